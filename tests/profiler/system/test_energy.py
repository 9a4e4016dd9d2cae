from pathlib import Path

import pynvml
import pytest
from recorded_nvml import record

from profiler.system.energy import EnergyMeter, gpu_counters

RANGE_UJ = 262_143_328_850


def recorded_zone(powercap: Path, zone: str, name: str, energy_uj: int) -> None:
    folder = powercap / zone
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")


def counted(meter: EnergyMeter) -> EnergyMeter:
    """The meter after a stretch without work."""
    with meter.counting():
        pass
    return meter


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """A recorded machine with two packages, the cores inside the first, and the whole platform."""
    recorded_zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    recorded_zone(tmp_path, "intel-rapl:0:0", "core", 1_000_000)
    recorded_zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000)
    recorded_zone(tmp_path, "intel-rapl:2", "psys", 90_000_000)
    return tmp_path


def test_the_packages_are_summed_and_their_parts_and_the_platform_left_out(powercap: Path) -> None:
    meter = EnergyMeter(powercap=powercap)
    with meter.counting():
        recorded_zone(powercap, "intel-rapl:0", "package-0", 15_000_000)
        recorded_zone(powercap, "intel-rapl:0:0", "core", 9_000_000)
        recorded_zone(powercap, "intel-rapl:1", "package-1", 12_000_000)
        recorded_zone(powercap, "intel-rapl:2", "psys", 190_000_000)
    energy = meter.read(n=30)
    assert (energy.source, energy.n) == ("rapl", 30)
    assert energy.joules == pytest.approx(15)
    assert energy.joules_per_inference == pytest.approx(0.5)


def test_a_counter_that_started_again_at_zero_is_taken_on(powercap: Path) -> None:
    recorded_zone(powercap, "intel-rapl:0", "package-0", RANGE_UJ - 2_000_000)
    meter = EnergyMeter(powercap=powercap)
    with meter.counting():
        recorded_zone(powercap, "intel-rapl:0", "package-0", 3_000_000)
    assert meter.read(n=1).joules == pytest.approx(5)


def test_without_inferences_there_is_none_to_share_the_energy(powercap: Path) -> None:
    energy = counted(EnergyMeter(powercap=powercap)).read(n=0)
    assert energy.joules == 0
    assert energy.reasons == {"joules_per_inference": "no inference was made"}


def test_without_counters_it_is_unknown(tmp_path: Path) -> None:
    energy = counted(EnergyMeter(powercap=tmp_path / "absent")).read(n=10)
    assert energy.joules is None
    assert energy.joules_per_inference is None
    assert "no processor package has an energy counter" in energy.reasons["joules_per_inference"]


def test_counters_that_cannot_be_read_are_unknown(powercap: Path) -> None:
    (powercap / "intel-rapl:1" / "energy_uj").unlink()
    (powercap / "intel-rapl:1" / "energy_uj").mkdir()
    energy = counted(EnergyMeter(powercap=powercap)).read(n=10)
    assert energy.joules is None
    assert "root" in energy.reasons["joules"]


def test_a_package_that_vanished_makes_it_unknown(powercap: Path) -> None:
    meter = EnergyMeter(powercap=powercap)
    with meter.counting():
        recorded_zone(powercap, "intel-rapl:1", "dram", 7_000_000)
    assert "package-1" in meter.read(n=10).reasons["joules"]


def test_a_gpu_counts_in_millijoules(monkeypatch: pytest.MonkeyPatch) -> None:
    library = record(monkeypatch)
    meter = EnergyMeter(gpus=[0])
    with meter.counting():
        library.answers["nvmlDeviceGetTotalEnergyConsumption"] += 50_000
    energy = meter.read(n=100)
    assert energy.source == "nvml"
    assert energy.joules == pytest.approx(50)
    assert energy.joules_per_inference == pytest.approx(0.5)
    assert library.open == 0


@pytest.mark.parametrize(
    ("refused", "gpus", "reason"),
    [
        ({"nvmlDeviceGetTotalEnergyConsumption": pynvml.NVML_ERROR_NOT_SUPPORTED}, [0], "Not Supported"),
        ({"nvmlInitWithFlags": pynvml.NVML_ERROR_DRIVER_NOT_LOADED}, [0], "Driver Not Loaded"),
        ({}, [0, 3], "no GPU [3]"),
    ],
)
def test_a_gpu_that_does_not_tell_is_unknown_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, refused: dict[str, int], gpus: list[int], reason: str
) -> None:
    record(monkeypatch, refused=refused)
    energy = counted(EnergyMeter(gpus=gpus)).read(n=10)
    assert energy.joules_per_inference is None
    assert reason in energy.reasons["joules_per_inference"]


def test_what_is_drawn_between_the_stretches_does_not_count(powercap: Path) -> None:
    meter = EnergyMeter(powercap=powercap)
    for joules in (6, 106, 107):
        with meter.counting():
            recorded_zone(powercap, "intel-rapl:0", "package-0", joules * 1_000_000)
        recorded_zone(powercap, "intel-rapl:0", "package-0", (joules + 50) * 1_000_000)
    assert meter.read(n=1).joules == pytest.approx((6 - 5) + (106 - 56) + (107 - 156) % (RANGE_UJ / 1e6))


def test_only_the_named_gpu_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    record(monkeypatch, nvmlDeviceGetCount_v2=2)
    found = gpu_counters([1])
    assert not isinstance(found, str)
    assert found.keys() == {"gpu 1"}
