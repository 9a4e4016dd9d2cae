"""The search for the concurrency of the maximal throughput: its next measurement, its end and its result."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from made_points import rate
from narrowing import known

from profiler.common.profile_settings import ThroughputSettings
from profiler.common.target import Resources
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement
from profiler.measure.throughput.part import Saturation, gains, measurements, outdate, saturate, sweep
from profiler.measure.throughput.run import maximal
from profiler.records.throughput import Blocks, MaximalThroughput, ThroughputPoint

ONE = Resources(cores=1, threads=1, instances=1)
MODEL: Any = SimpleNamespace(runtime="triton", own=ONE, in_process=False, expected_per_s=lambda _: 1e4)
IN_PROCESS: Any = SimpleNamespace(runtime="onnxruntime", own=ONE, in_process=True, expected_per_s=lambda _: 1e4)


def searched(rates: Sequence[float], model: Any = MODEL) -> tuple[list[int], Saturation | None]:
    """The concurrencies that the search measures, where the server answers at these rates in turn, and its result."""
    search, answer = saturate(model, ONE, 4, 8, 0.1), None
    asked: list[int] = []
    while True:
        try:
            place = search.send(answer).place
        except StopIteration as end:
            return asked, end.value
        assert (place.resources, place.batch) == (ONE, 4)
        answer = rate(ThroughputPoint, 4, place.concurrency, rates[len(asked)]) if len(asked) < len(rates) else None
        asked.append(place.concurrency)


def point(concurrency: int, images_per_s: float, half: float | None = None) -> ThroughputPoint:
    """A point with an interval of ± `half` of its rate, or none."""
    ratio = images_per_s / 100
    ends = (None, None) if half is None else (ratio * (1 - half), ratio * (1 + half))
    bounds = dict(zip(("low_relative_throughput", "high_relative_throughput"), ends, strict=True))
    return rate(ThroughputPoint, 4, concurrency, images_per_s, **bounds)


def saturation(concurrency: int, images_per_s: float, saturated: bool) -> Saturation:
    """What a search finds, without the rates at other concurrencies."""
    return Saturation(4, concurrency, images_per_s, images_per_s / 100, saturated)


def found(rates: Sequence[float]) -> tuple[list[int], Saturation]:
    """The concurrencies that a search measures, and its result without the rates at other concurrencies."""
    asked, result = searched(rates)
    return asked, replace(known(result), others_relative=0.0)


def test_the_concurrency_doubles_as_long_as_the_rate_rises() -> None:
    assert found([100, 200, 300, 350, 400]) == ([1, 2, 4, 8], saturation(8, 350, saturated=False))


def test_two_steps_without_a_gain_end_the_search_at_the_best_point() -> None:
    assert found([100, 202, 205, 150]) == ([1, 2, 4, 8], saturation(2, 202, saturated=True))
    assert found([200, 150, 150, 400]) == ([1, 2, 4], saturation(1, 200, saturated=True))


@pytest.mark.parametrize(("second", "settled"), [(101, 2), (99, 2), (97, 1)])
def test_a_server_settles_with_two_requests_under_way_where_they_are_as_fast_as_one(second: int, settled: int) -> None:
    assert known(searched([100, second, 90])[1]).concurrency == settled
    assert known(searched([100, second, 90], IN_PROCESS)[1]).concurrency == 1


def test_the_search_looks_beyond_a_plateau_once_more() -> None:
    assert found([100, 200, 150, 300]) == ([1, 2, 4, 8], saturation(8, 300, saturated=False))


def test_the_second_step_without_a_gain_may_lie_beyond_the_last_concurrency() -> None:
    assert found([100, 200, 300, 301, 302]) == ([1, 2, 4, 8, 16], saturation(4, 300, saturated=True))
    assert found([100, 200, 300, 301, 350]) == ([1, 2, 4, 8, 16], saturation(16, 350, saturated=False))


def test_one_step_without_a_gain_is_no_saturation_where_the_next_cannot_be_measured() -> None:
    assert found([100, 200, 300, 301]) == ([1, 2, 4, 8, 16], saturation(4, 300, saturated=False))


def test_the_search_tells_the_highest_rate_at_another_concurrency() -> None:
    assert known(searched([100, 200, 205, 204])[1]).others_relative == pytest.approx(2.05)
    assert known(searched([100])[1]).others_relative == 0


def test_the_upper_ends_of_a_maximum_reach_the_highest_rate_of_its_search() -> None:
    blocks = Blocks(counted=(100.0,) * 6, seconds=(1.0,) * 6, references=(50.0,) * 6)
    raw, relative = maximal(blocks, 0.0, searched_relative=2.2)
    assert raw.high == pytest.approx(110.0)
    assert relative.high == pytest.approx(2.2)
    assert maximal(blocks, 0.0, searched_relative=1.0) == maximal(blocks, 0.0, searched_relative=0.0)


@pytest.mark.parametrize(("gain", "is_one"), [(1.025, False), (1.035, True)])
def test_a_gain_of_less_than_three_percent_of_exact_points_is_none(gain: float, is_one: bool) -> None:
    assert gains(point(2, 100.0 * gain, half=0.0), point(1, 100.0, half=0.0)) == is_one


@pytest.mark.parametrize(("gain", "is_one"), [(1.04, False), (1.05, True)])
def test_points_without_an_interval_have_the_usual_noise(gain: float, is_one: bool) -> None:
    assert gains(point(2, 100.0 * gain), point(1, 100.0)) == is_one


def test_a_gain_within_the_noise_of_both_points_is_none() -> None:
    assert not gains(point(2, 110.0, half=0.1), point(1, 100.0, half=0.1))
    assert gains(point(2, 120.0, half=0.1), point(1, 100.0, half=0.1))


def test_a_point_that_cannot_be_measured_ends_the_search_with_the_best_before_it() -> None:
    assert found([100]) == ([1, 2], saturation(1, 100, saturated=False))
    assert searched([]) == ([1], None)


def asked(rates: Mapping[int, float]) -> list[Measurement]:
    """The measurements of a part, where each batch saturates at one caller and its own rate."""
    settings = ThroughputSettings(batches=list(rates), max_concurrency=1, search_seconds=0.1, settle_seconds=0.1)
    work, answer = measurements(MODEL, settings, Ledger([], [])), None
    found: list[Measurement] = []
    while True:
        try:
            wanted = work.send(answer)
        except StopIteration:
            return found
        batch = wanted.place.batch
        answer = rate(wanted.kind, batch, 1, rates[batch])
        found.append(wanted)


def test_each_batch_is_settled_before_the_next_one_is_searched() -> None:
    found = [(one.kind, one.place.batch) for one in asked({1: 100.0, 4: 300.0})]
    assert found == [(ThroughputPoint, 1), (MaximalThroughput, 1), (ThroughputPoint, 4), (MaximalThroughput, 4)]


def test_single_requests_are_measured_whatever_the_budget_is() -> None:
    assert [one.needed for one in asked({1: 100.0, 4: 300.0})] == [True, True, False, False]


def test_a_model_that_is_slow_in_this_process_is_expected_to_be_slow_in_the_search() -> None:
    slow: Any = SimpleNamespace(runtime="triton", own=ONE, expected_per_s=lambda _: 1.0)
    assert sweep(slow, ONE, 16, 1, 0.5).seconds > 100
    assert sweep(MODEL, ONE, 16, 1, 0.5).seconds < 2
    assert sweep(slow, ONE, 16, 2, 0.5, known_per_s=1e4).seconds < 2


def test_a_slow_model_is_settled_in_a_few_slices_where_the_budget_has_no_more() -> None:
    (_, settled) = asked({1: 1.0})
    assert settled.shorter is not None
    assert settled.shorter.seconds < 20 < settled.seconds


@pytest.mark.parametrize(
    ("concurrency", "saturated", "before", "again"),
    [
        (2, True, True, False),
        (4, True, True, True),
        (2, True, False, True),
        (2, False, False, False),
        (4, False, False, True),
    ],
)
def test_a_maximum_of_an_earlier_run_is_measured_again_where_the_sweep_went_further(
    concurrency: int, saturated: bool, before: bool, again: bool
) -> None:
    point = rate(MaximalThroughput, 4, 2, 300.0, saturated=before)
    ledger = Ledger([point], [])
    outdate(ledger, point.place, saturation(concurrency, 300.0, saturated))
    wanted = Measurement(MaximalThroughput, point.place, 1.0, lambda: cast("Any", None))
    assert (ledger.find(wanted) is None) == again
