import pynvml
import pytest
from recorded_nvml import MIB, record

from profiler.system.machine import gpu_handles
from profiler.system.monitor.gpu_state import CLOCK_REASONS, GpuState, gpu_state
from profiler.system.monitor.monitor import StateReader


def read() -> GpuState:
    with gpu_handles() as handles:
        return gpu_state(0, handles[0])


def test_every_figure_has_the_unit_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    record(monkeypatch)
    state = read()
    assert (state.framebuffer_total_bytes, state.framebuffer_used_bytes) == (40960 * MIB, 1536 * MIB)
    assert (state.bar1_total_bytes, state.bar1_free_bytes) == (65536 * MIB, 65534 * MIB)
    assert (state.gpu_busy_share, state.memory_busy_share) == (0.87, 0.42)
    assert (state.temperature_c, state.power_w, state.energy_j) == (56, 248.5, 9000)
    assert (state.sm_clock_mhz, state.memory_clock_mhz) == (1410, 1410)


def test_each_reason_for_a_lowered_clock_is_told_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    record(monkeypatch, nvmlDeviceGetCurrentClocksEventReasons=0x04 | 0x40)
    state = read()
    held = {name for name in CLOCK_REASONS if getattr(state, name)}
    assert held == {"throttled_sw_power_cap", "throttled_hw_thermal_slowdown"}


def test_a_reason_that_the_gpu_does_not_support_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    record(monkeypatch)
    state = read()
    assert state.throttled_display_clock_setting is None
    assert "does not support" in state.reasons["throttled_display_clock_setting"]


@pytest.mark.parametrize(
    ("function", "names"),
    [
        ("MemoryInfo", ["framebuffer_total_bytes", "framebuffer_used_bytes", "framebuffer_free_bytes"]),
        ("BAR1MemoryInfo", ["bar1_total_bytes", "bar1_used_bytes", "bar1_free_bytes"]),
        ("UtilizationRates", ["gpu_busy_share", "memory_busy_share"]),
        ("Temperature", ["temperature_c"]),
        ("PowerUsage", ["power_w"]),
        ("TotalEnergyConsumption", ["energy_j"]),
        ("ClockInfo", ["sm_clock_mhz", "memory_clock_mhz"]),
    ],
)
@pytest.mark.parametrize(
    ("code", "told"),
    [(pynvml.NVML_ERROR_NOT_SUPPORTED, "Not Supported"), (pynvml.NVML_ERROR_GPU_IS_LOST, "GPU is lost")],
)
def test_a_refused_query_leaves_only_its_own_fields_unknown(
    monkeypatch: pytest.MonkeyPatch, function: str, names: list[str], code: int, told: str
) -> None:
    record(monkeypatch)
    before = set(read().reasons)
    record(monkeypatch, refused={f"nvmlDeviceGet{function}": code})
    state = read()
    assert set(state.reasons) - before == set(names)
    assert all(state.reasons[name] == f"NVML: {told}" for name in names)


def test_a_driver_without_a_function_leaves_its_fields_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    library = record(monkeypatch)
    del library.answers["nvmlDeviceGetCurrentClocksEventReasons"]
    state = read()
    assert set(state.reasons) == set(CLOCK_REASONS)
    assert state.reasons["throttled_gpu_idle"] == "NVML: Function Not Found"


def test_without_a_driver_the_gpus_are_unknown_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    record(monkeypatch, refused={"nvmlInitWithFlags": pynvml.NVML_ERROR_DRIVER_NOT_LOADED})
    with StateReader(list) as reader:
        state = reader.read()
    assert state.gpus is None
    assert state.reasons["gpus"] == "NVML: Driver Not Loaded"


def test_the_driver_is_closed_as_often_as_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    library = record(monkeypatch)
    with StateReader(list) as reader:
        assert library.open == 1
        reader.read()
    assert library.open == 0


@pytest.mark.gpu
def test_a_real_gpu_tells_its_memory_and_temperature() -> None:
    try:
        state = read()
    except (pynvml.NVMLError, IndexError) as error:
        pytest.skip(f"there is no NVIDIA GPU here: {error}")
    assert state.framebuffer_total_bytes is not None
    assert state.framebuffer_used_bytes is not None
    assert 0 < state.framebuffer_used_bytes <= state.framebuffer_total_bytes
    assert state.temperature_c is not None
    assert 0 < state.temperature_c < 120
