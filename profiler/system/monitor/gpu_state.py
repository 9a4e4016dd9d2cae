"""The state of one NVIDIA GPU, as NVML reports it: docs.nvidia.com/deploy/nvml-api, group Device Queries."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pynvml
from pydantic import Field

from profiler.records.base import Record, unknown

Answers = tuple[float | bool | None, ...]


class GpuState(Record):
    """One GPU; `framebuffer` is its own memory, `bar1` the window through which the host reaches it.

    The busy shares are those of the driver's last sample period. `energy_j` counts since the driver was loaded.
    """

    index: int
    framebuffer_total_bytes: int | None
    framebuffer_used_bytes: int | None
    framebuffer_free_bytes: int | None
    bar1_total_bytes: int | None
    bar1_used_bytes: int | None
    bar1_free_bytes: int | None
    gpu_busy_share: float | None = Field(ge=0, le=1)
    memory_busy_share: float | None = Field(ge=0, le=1)
    temperature_c: int | None
    power_w: float | None
    energy_j: float | None
    sm_clock_mhz: int | None
    memory_clock_mhz: int | None
    throttled_gpu_idle: bool | None
    throttled_applications_clocks_setting: bool | None
    throttled_sw_power_cap: bool | None
    throttled_hw_slowdown: bool | None
    throttled_sync_boost: bool | None
    throttled_sw_thermal_slowdown: bool | None
    throttled_hw_thermal_slowdown: bool | None
    throttled_hw_power_brake_slowdown: bool | None
    throttled_display_clock_setting: bool | None


# NVML's bit for each field `throttled_*`, for example `nvmlClocksEventReasonGpuIdle` for `throttled_gpu_idle`.
CLOCK_REASONS: dict[str, int] = {
    name: getattr(pynvml, f"nvmlClocksEventReason{name.removeprefix('throttled').title().replace('_', '')}")
    for name in GpuState.__annotations__
    if name.startswith("throttled_")
}
FRAMEBUFFER, BAR1 = attrgetter("total", "used", "free"), attrgetter("bar1Total", "bar1Used", "bar1Free")


def busy_shares(gpu: Any) -> Answers:
    """The busy shares of the GPU and of its memory."""
    percent = pynvml.nvmlDeviceGetUtilizationRates(gpu)
    return percent.gpu / 100, percent.memory / 100


def clock_reasons(gpu: Any) -> Answers:
    """Whether each reason holds, `None` for one that this GPU does not support."""
    supported = pynvml.nvmlDeviceGetSupportedClocksEventReasons(gpu)
    current = pynvml.nvmlDeviceGetCurrentClocksEventReasons(gpu)
    return tuple(bool(current & bit) if supported & bit else None for bit in CLOCK_REASONS.values())


QUERIES: dict[tuple[str, ...], Callable[[Any], Answers]] = {
    ("framebuffer_total_bytes", "framebuffer_used_bytes", "framebuffer_free_bytes"): lambda gpu: FRAMEBUFFER(
        pynvml.nvmlDeviceGetMemoryInfo(gpu)
    ),
    ("bar1_total_bytes", "bar1_used_bytes", "bar1_free_bytes"): lambda gpu: BAR1(
        pynvml.nvmlDeviceGetBAR1MemoryInfo(gpu)
    ),
    ("gpu_busy_share", "memory_busy_share"): busy_shares,
    ("temperature_c",): lambda gpu: (pynvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU),),
    ("power_w",): lambda gpu: (pynvml.nvmlDeviceGetPowerUsage(gpu) / 1e3,),
    ("energy_j",): lambda gpu: (pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1e3,),
    ("sm_clock_mhz",): lambda gpu: (pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_SM),),
    ("memory_clock_mhz",): lambda gpu: (pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_MEM),),
    tuple(CLOCK_REASONS): clock_reasons,
}


def gpu_state(index: int, gpu: Any) -> GpuState:
    """The state of the GPU with this NVML handle; queries that the driver refuses stay unknown."""
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for names, query in QUERIES.items():
        try:
            answers = dict(zip(names, query(gpu), strict=True))
            reasons |= unknown(answers, "this GPU does not support it")
        except pynvml.NVMLError as error:
            answers = dict.fromkeys(names)
            reasons |= unknown(answers, f"NVML: {error}")
        values |= answers
    return GpuState(index=index, reasons=reasons, **values)
