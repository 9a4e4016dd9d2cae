import pytest
from pydantic import ValidationError

from profiler.records.complexity import Complexity
from profiler.records.noise import Noise
from profiler.records.warm_up import LoadTime


def noise(**changes: object) -> dict:
    values = {"steal_share": 0.0, "load_1min": 0.1, "cpu_mhz": 2000.0, "cgroup_cores": 2.0, "probe_per_s": 10.0}
    return {**values, **changes}


def test_an_unknown_figure_needs_its_reason() -> None:
    with pytest.raises(ValidationError, match="reasons"):
        Noise(**noise(cpu_mhz=None))
    assert Noise(**noise(cpu_mhz=None), reasons={"cpu_mhz": "not reported"}).cpu_mhz is None


def test_a_known_figure_has_no_reason_to_be_unknown() -> None:
    with pytest.raises(ValidationError, match="reasons"):
        Noise(**noise(), reasons={"cpu_mhz": "not reported"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_time_is_positive_and_finite(value: float) -> None:
    with pytest.raises(ValidationError):
        LoadTime(runtime="triton", n=1, mean_ms=value)


def test_flops_are_twice_the_macs() -> None:
    with pytest.raises(ValidationError, match="twice"):
        Complexity(parameters=1, macs=5, flops=5, file_bytes=1)


def test_records_are_frozen_and_survive_json() -> None:
    record = Complexity(parameters=1, macs=5, flops=10, file_bytes=1)
    assert Complexity.model_validate_json(record.model_dump_json()) == record
    with pytest.raises(ValidationError):
        record.macs = 6
