"""verify of a foreign repository calls no server that nobody here named, and is led to no endless work."""

import pytest
from full_profile import SHA256, blank_profile
from made_points import latency, rate

from porting.commands.verify import MOST_CALLERS, check_profile
from profiler.common.errors import BadInputError
from profiler.common.target import Target
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.target.identity import profile_key


def measured_here(target: Target, **points: object) -> Profile:
    return blank_profile(target=target, key=profile_key(SHA256, target), **points)


def test_a_server_that_a_repository_names_is_called_only_where_the_user_names_it_too() -> None:
    profile = measured_here(Target(endpoint="127.0.0.1:22"))
    with pytest.raises(BadInputError, match=r"at 127\.0\.0\.1:22: give --endpoint 127\.0\.0\.1:22"):
        check_profile(profile, None)
    check_profile(profile, "127.0.0.1:22")
    with pytest.raises(BadInputError, match="a server of the profiler's own: give no --endpoint"):
        check_profile(measured_here(Target(runtime="onnxruntime")), "127.0.0.1:22")


@pytest.mark.parametrize(
    "points",
    [
        {"max_throughput": (rate(MaximalThroughput, 1, MOST_CALLERS + 1, 9.0),)},
        {"latency": (latency(64, input_shape=(3, 1 << 20, 1 << 20)),)},
    ],
)
def test_a_repository_that_asks_for_more_than_any_point_takes_is_refused(points: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match="do not use this repository"):
        check_profile(measured_here(Target(runtime="onnxruntime"), **points), None)
