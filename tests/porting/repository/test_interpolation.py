"""Looking figures up: as measured, between what was measured and marked so, never beyond."""

import pytest
from full_profile import blank_profile, full_profile
from made_points import latency, medians, partly
from made_tasks import first, predicted

from porting.repository.interpolation import Lookup, interpolated, lookup
from profiler.common.errors import BadInputError
from profiler.records.memory import MemoryPoint
from profiler.records.profile import Profile

PROFILE = full_profile()
# Value, low and high by the place on the axes.
Grid = dict[tuple[float, ...], tuple[float, float | None, float | None]]
GRID: Grid = {(b, c): (b / c, b / c - 0.1, b / c + 0.1) for b in (1.0, 2.0, 4.0) for c in (1.0, 2.0)}
SMALL = Lookup("time", "ms", ("batch", "cores"), {"cores": 1.0}, {"triton": GRID})


def test_a_measured_point_is_given_as_it_was_measured() -> None:
    found = SMALL.at(batch=2, cores=2)
    assert (found.value, found.low, found.high, found.kind) == (1.0, 0.9, 1.1, "measured")
    assert found.at == {"batch": 2, "cores": 2, "runtime": "triton"}


def test_what_is_not_named_is_the_targets_own() -> None:
    assert SMALL.at(batch=4).at["cores"] == 1


def test_between_two_points_it_is_linear_and_marked_as_predicted() -> None:
    found = SMALL.at(batch=3)
    assert found.kind == "predicted"
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 2.9, 3.1))


def test_between_points_on_two_axes_every_axis_is_linear() -> None:
    found = SMALL.at(batch=3, cores=1.5)
    assert found.value == pytest.approx((3.0 + 1.5) / 2)
    assert found.kind == "predicted"


def test_an_interval_is_not_made_up() -> None:
    table: Grid = {(1.0,): (1.0, 0.9, 1.1), (3.0,): (3.0, None, None)}
    found = Lookup("time", "ms", ("batch",), {}, {"triton": table}).at(batch=2)
    assert (found.value, found.low, found.high) == (2.0, None, None)


@pytest.mark.parametrize("where", [{"batch": 0.5}, {"batch": 5}, {"batch": 2, "cores": 3}])
def test_beyond_what_was_measured_there_is_nothing(where: dict[str, float]) -> None:
    with pytest.raises(BadInputError, match="outside of what was measured"):
        SMALL.at(**where)


def test_a_hole_in_the_grid_is_not_bridged() -> None:
    table: Grid = {place: figure for place, figure in GRID.items() if place != (2.0, 2.0)}
    with pytest.raises(BadInputError, match="cores=2 is outside of what was measured, 1"):
        Lookup("time", "ms", ("batch", "cores"), {}, {"triton": table}).at(batch=3, cores=2)


@pytest.mark.parametrize(
    ("where", "message"), [({}, "give batch"), ({"batch": 1, "bacth": 1}, "bacth is none of them")]
)
def test_a_wrong_axis_is_named_with_the_valid_ones(where: dict[str, float], message: str) -> None:
    with pytest.raises(BadInputError, match=f"time is looked up by batch, cores: {message}"):
        SMALL.at(**where)


@pytest.mark.parametrize("name", ["p50_ms", "p99_ms"])
def test_a_latency_is_what_a_client_of_the_target_sees(name: str) -> None:
    points = latency(1, p99_ms=9.0), latency(1, p50_ms=0.7, p99_ms=0.9, runtime="onnxruntime")
    served, computed = (lookup(blank_profile(latency=points[start:]), name) for start in (0, 1))
    assert served.at(batch=1).at["runtime"] == "triton"
    assert served.at(batch=1).value == getattr(points[0], name)
    with pytest.raises(BadInputError, match="nothing was measured"):
        computed.at(batch=1)


def test_the_latency_of_the_computation_alone_is_that_of_the_profilers_own_process() -> None:
    found = lookup(PROFILE, "compute_p50_ms")
    assert found.at(batch=1).at["runtime"] == "onnxruntime"
    with pytest.raises(BadInputError, match="outside of what was measured"):
        found.at(batch=16)


def test_throughput_capacity_memory_and_first_inference_are_looked_up_alike() -> None:
    assert lookup(PROFILE, "images_per_s").at(batch=16, cores=2).value == 1400
    assert lookup(PROFILE, "images_per_s").at(batch=16, cores=1.5).kind == "predicted"
    deadlines = sorted({point.deadline_ms for point in PROFILE.capacity})
    between = (deadlines[0] + deadlines[1]) / 2
    assert lookup(PROFILE, "capacity_requests_per_s").at(deadline_ms=between).kind == "predicted"
    assert lookup(PROFILE, "peak_bytes").at(batch=8).value == (310 + 8) << 20
    assert lookup(PROFILE, "first_inference_ms").at(batch=3).value == pytest.approx(15)


def test_a_figure_that_is_unknown_is_no_point_to_look_up() -> None:
    unknown = partly(MemoryPoint, source="served processes", batch=8)
    profile: Profile = blank_profile(memory=(unknown,))
    with pytest.raises(BadInputError, match="nothing was measured"):
        lookup(profile, "peak_bytes").at(batch=8)


def test_a_runtime_that_cannot_be_shown_is_escaped() -> None:
    foreign = Lookup("time", "ms", ("batch",), {}, {"\x1f": {(1.0,): (1.0, None, None)}})
    with pytest.raises(BadInputError) as caught:
        foreign.at(batch=2)
    assert str(caught.value) == r"time: batch=2 is outside of what was measured, 1 (runtime \x1f)"


def test_latencies_of_other_input_sizes_and_of_several_callers_are_other_figures() -> None:
    others = latency(1, input_shape=(3, 64, 64)), latency(2, concurrency=4)
    profile = blank_profile(latency=(latency(1), *others))
    assert lookup(profile, "p50_ms").at(batch=1).value == latency(1).p50_ms
    with pytest.raises(BadInputError, match="outside"):
        lookup(profile, "p50_ms").at(batch=2)


def test_a_reading_and_a_look_up_are_worth_reading() -> None:
    assert str(SMALL.at(batch=3)) == "3 [2.9, 3.1] ms, predicted"
    assert repr(SMALL) == "Lookup(time in ms by batch, cores; 6 points)"


@pytest.mark.parametrize(("batch", "value"), [(2.0, 20.0), (4.0, 40.0), (5.0, 50.0)])
def test_a_figure_between_two_measured_ones_is_nearer_to_the_nearer_one(batch: float, value: float) -> None:
    points = [((1.0,), (10.0, 9.0, 11.0)), ((5.0,), (50.0, 45.0, 55.0))]
    (found, low, high), measured = interpolated(("batch",), points, {"batch": batch})
    assert (found, low, high) == pytest.approx((value, 0.9 * value, 1.1 * value))
    assert measured == (batch == 5.0)


def of_sizes() -> Profile:
    """Three sizes, whose latency in the process is 0.001 ms for each pixel of the batch, and 1 ms."""
    points = [
        latency(batch, runtime="onnxruntime", input_shape=(3, side, side), **medians(1 + batch * side**2 / 1000))
        for side in (32, 48, 64)
        for batch in (1, 4)
    ]
    return full_profile(latency=tuple(points))


def test_with_several_sizes_the_pixels_are_an_axis_and_the_first_size_is_the_usual_one() -> None:
    found = lookup(of_sizes(), "compute_p50_ms")
    assert found.axes == ("pixels", "batch", "cores", "instances")
    assert found.at(batch=4).value == pytest.approx(1 + 4 * 32**2 / 1000)
    exact = found.at(batch=4, pixels=48**2)
    assert exact.value == pytest.approx(1 + 4 * 48**2 / 1000)
    assert exact.kind == "measured"


def test_between_sizes_the_latency_is_linear_in_batch_and_pixels_and_marked_as_predicted() -> None:
    found = lookup(of_sizes(), "compute_p50_ms").at(batch=2, pixels=56**2)
    assert found.value == pytest.approx(1 + 2 * 56**2 / 1000)
    assert found.kind == "predicted"
    with pytest.raises(BadInputError, match="pixels=16384 is outside of what was measured, 1024, 2304, 4096"):
        lookup(of_sizes(), "compute_p50_ms").at(batch=2, pixels=128**2)


def test_a_throughput_is_the_maximum_at_the_first_size_and_the_measured_rate_at_another() -> None:
    found = lookup(of_sizes(), "images_per_s")
    assert found.at(batch=16).value == 780.0
    assert found.at(batch=16, pixels=48**2).value == pytest.approx(2e6 / 48**2)


def test_the_latency_of_a_client_is_of_the_first_size_only() -> None:
    assert lookup(of_sizes(), "p50_ms").axes == ("batch", "cores", "instances")


def test_a_predicted_first_inference_is_marked_and_a_measured_one_counts_first() -> None:
    profile = full_profile(first_inference=(first(9.0, 1), first(12.0, 2)), predicted=(predicted(40.0, 8),))
    found = lookup(profile, "first_inference_ms")
    assert (found.at(batch=2).value, found.at(batch=2).kind) == (12.0, "measured")
    assert (found.at(batch=8).value, found.at(batch=8).kind) == (40.0, "predicted")
    assert found.at(batch=5).value == pytest.approx(26.0)
    assert found.at(batch=5).at["runtime"] == "warm-up predictor"
    with pytest.raises(BadInputError, match="outside of what was measured"):
        found.at(batch=9)
