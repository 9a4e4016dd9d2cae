"""The deadlines that the variants of a task have in common on a target."""

from full_profile import full_profile
from made_points import capacity

from porting.stages.profile_work import common_deadlines_ms
from profiler.records.profile import PartState, Profile


def slow(p50_ms: float, **changes: object) -> Profile:
    """A profile without capacities whose client sees this latency."""
    found = full_profile(capacity=(), load=(), parts=(), **changes)
    single = found.latency_at(1)
    assert single is not None
    latency = tuple(one.model_copy(update={"p50_ms": p50_ms}) if one is single else one for one in found.latency)
    return found.model_copy(update={"latency": latency})


def measured(deadlines_ms: list[float] | None) -> Profile:
    """A profile with capacities at 3.4 and 17 ms, measured with this setting."""
    part = PartState(
        name="capacity",
        settings={"deadlines_ms": None if deadlines_ms is None else [*deadlines_ms]},
        seconds=1.0,
        finished=True,
    )
    return slow(100.0).model_copy(update={"parts": (part,), "capacity": (capacity(1.0, 2), capacity(1.0, 10))})


def test_the_slowest_variant_decides_the_deadlines_of_all() -> None:
    assert common_deadlines_ms([slow(0.5), slow(3.0), slow(1.0)]) == [10, 20, 50]


def test_a_later_variant_gets_the_deadlines_of_the_earlier_ones() -> None:
    assert common_deadlines_ms([slow(300.0), measured(None)]) == [3.4, 17.0]


def test_deadlines_that_a_user_gave_are_no_default_of_the_task() -> None:
    assert common_deadlines_ms([slow(3.0), measured([3.4, 17.0])]) == [200, 500, 1000]


def test_without_a_known_latency_there_are_no_common_deadlines() -> None:
    assert common_deadlines_ms([]) is None
    assert common_deadlines_ms([full_profile(latency=(), capacity=(), load=())]) is None
