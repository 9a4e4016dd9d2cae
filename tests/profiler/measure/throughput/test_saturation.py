"""The search for the concurrency of the maximal throughput: its next measurement, its end and its result."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from made_points import rate

from profiler.common.profile_settings import ThroughputSettings
from profiler.common.target import Resources
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement
from profiler.measure.throughput.part import Saturation, measurements, outdate, saturate
from profiler.measure.throughput.verdict import STILL_ROSE
from profiler.records.throughput import MaximalThroughput, ThroughputPoint

ONE = Resources(cores=1, threads=1, instances=1)
MODEL: Any = SimpleNamespace(runtime="triton", own=ONE)


def searched(rates: Sequence[float]) -> tuple[list[int], Saturation | None]:
    """The concurrencies that the search measures, where the server answers at these rates in turn, and its result."""
    search, answer = saturate(MODEL, ONE, 4, 8, 0.1), None
    asked: list[int] = []
    while True:
        try:
            place = search.send(answer).place
        except StopIteration as end:
            return asked, end.value
        assert (place.resources, place.batch) == (ONE, 4)
        answer = rate(ThroughputPoint, 4, place.concurrency, rates[len(asked)]) if len(asked) < len(rates) else None
        asked.append(place.concurrency)


def test_the_concurrency_doubles_as_long_as_the_rate_rises() -> None:
    assert searched([100, 200, 300, 350, 400]) == ([1, 2, 4, 8], Saturation(4, 8, 350, saturated=False))


def test_a_gain_of_less_than_three_per_cent_ends_the_search_at_the_better_of_the_two() -> None:
    assert searched([100, 200, 205]) == ([1, 2, 4], Saturation(4, 4, 205, saturated=True))
    assert searched([100, 200, 150]) == ([1, 2, 4], Saturation(4, 2, 200, saturated=True))


def test_a_gain_of_four_per_cent_continues_the_search() -> None:
    asked, found = searched([100, 104, 90])
    assert (asked, found) == ([1, 2, 4], Saturation(4, 2, 104, saturated=True))


def test_a_point_that_cannot_be_measured_ends_the_search_with_the_best_before_it() -> None:
    assert searched([100]) == ([1, 2], Saturation(4, 1, 100, saturated=False))
    assert searched([]) == ([1], None)


def settled(every_batch: bool, rates: Mapping[int, float]) -> list[int]:
    """The batches of which the maximum is measured, where each batch saturates at one caller and its own rate."""
    settings = ThroughputSettings(batches=list(rates), max_concurrency=1, search_seconds=0.1, settle_seconds=0.1)
    work, answer = measurements(MODEL, settings, Ledger([], [])), None
    found: list[int] = []
    while True:
        try:
            wanted = work.send(answer)
        except StopIteration:
            return found
        batch = wanted.place.batch
        answer = rate(wanted.kind, batch, 1, rates[batch])
        found += [batch] if wanted.kind is MaximalThroughput else []


def test_the_maximum_is_settled_at_the_best_batch_or_at_every_one_the_best_first() -> None:
    rates = {1: 100.0, 4: 300.0, 16: 200.0}
    assert settled(False, rates) == [4]
    assert settled(True, rates) == [4, 16, 1]


@pytest.mark.parametrize(
    ("concurrency", "saturated", "reason", "again"),
    [
        (2, True, "settled", False),
        (4, True, "settled", True),
        (2, True, STILL_ROSE, True),
        (2, False, STILL_ROSE, False),
        (4, False, STILL_ROSE, True),
    ],
)
def test_a_maximum_of_an_earlier_run_is_measured_again_where_the_sweep_went_further(
    concurrency: int, saturated: bool, reason: str, again: bool
) -> None:
    point = rate(MaximalThroughput, 4, 2, 300.0, verdict_reason=reason)
    ledger = Ledger([point], [])
    outdate(ledger, point.place, Saturation(4, concurrency, 300.0, saturated))
    wanted = Measurement(MaximalThroughput, point.place, 1.0, lambda: cast("Any", None))
    assert (ledger.find(wanted) is None) == again
