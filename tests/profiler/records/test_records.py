"""Records are frozen and valid, and every unknown field has a reason."""

from typing import Any

import pytest
from blank import noise as noise_now
from pydantic import ValidationError

from profiler.records.base import Noise
from profiler.records.complexity import Complexity
from profiler.records.warm_up import LoadTime


def noise(**changes: object) -> dict[str, Any]:
    values = {
        "steal_share": 0.0,
        "load_1min": 0.1,
        "cpu_mhz": 2000.0,
        "switches_per_s": 10.0,
        "cgroup_cores": 2.0,
        "throttled_share": 0.0,
        "reference_per_s": 10.0,
        "others_share": 0.0,
    }
    return {**values, **changes}


def load_time(**changes: object) -> LoadTime:
    unknown = ("sd_ms", "p50_low_ms", "p50_high_ms", "p95_ms", "resident_share")
    values = {
        "runtime": "triton", "cores": 1, "threads": 1, "instances": 1, "page_cache": "warm", "noise": noise_now(),
        "n": 1, "mean_ms": 5.0, "p50_ms": 5.0, "min_ms": 5.0, "max_ms": 5.0, **dict.fromkeys(unknown),
        "reasons": dict.fromkeys(unknown, "one load"),
    }  # fmt: skip
    return LoadTime.model_validate({**values, **changes})


def test_an_unknown_figure_needs_its_reason() -> None:
    with pytest.raises(ValidationError, match="reasons"):
        Noise(**noise(cpu_mhz=None))
    assert Noise(**noise(cpu_mhz=None), reasons={"cpu_mhz": "not reported"}).cpu_mhz is None


def test_a_known_figure_has_no_reason_to_be_unknown() -> None:
    with pytest.raises(ValidationError, match="reasons"):
        Noise(**noise(), reasons={"cpu_mhz": "not reported"})


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
@pytest.mark.parametrize("name", ["steal_share", "throttled_share"])
def test_a_share_is_between_0_and_1(name: str, share: float) -> None:
    with pytest.raises(ValidationError, match=name):
        Noise(**noise(**{name: share}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_time_is_positive_and_finite(value: float) -> None:
    assert load_time().mean_ms == 5.0
    with pytest.raises(ValidationError, match="mean_ms"):
        load_time(mean_ms=value)


def test_the_place_of_a_point_is_its_identity_and_no_figure() -> None:
    place = {"runtime": "triton", "cores": 1, "threads": 1, "instances": 1, "page_cache": "warm"}
    assert load_time().at() == load_time(mean_ms=6.0).at() == place


def test_flops_are_twice_the_macs() -> None:
    with pytest.raises(ValidationError, match="twice"):
        Complexity(parameters=1, macs=5, flops=5, file_bytes=1)


def test_records_are_frozen_and_survive_json() -> None:
    record = Complexity(parameters=1, macs=5, flops=10, file_bytes=1)
    assert Complexity.model_validate_json(record.model_dump_json()) == record
    with pytest.raises(ValidationError):
        record.macs = 6  # type: ignore[misc]
