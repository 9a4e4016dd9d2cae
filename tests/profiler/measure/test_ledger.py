"""The finished points of a run: which measurement has its point already, and which is made again."""

from typing import Any, cast

from made_points import latency, rate

from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement
from profiler.records.base import Missing, Point
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import MaximalThroughput, ThroughputPoint


def wanted(point: Point, kind: type[Point] | None = None) -> Measurement:
    """The measurement of a point at the place of this one."""
    return Measurement(kind or type(point), point.place, 1.0, lambda: cast("Any", None))


def missing(part: str) -> Missing:
    return Missing(part=part, point="LatencyPoint", at={}, verdict="failed", reason="the server died")


def test_a_point_is_found_by_its_kind_and_its_place() -> None:
    one, other = latency(1), latency(4)
    ledger = Ledger([one], [])
    assert ledger.find(wanted(one)) == one
    assert ledger.find(wanted(other)) is None
    assert ledger.find(wanted(one, MaximalThroughput)) is None


def test_points_of_another_kind_are_no_points_of_this_one() -> None:
    best, swept = rate(MaximalThroughput, 4, 2, 300.0), rate(ThroughputPoint, 4, 2, 300.0)
    assert Ledger([best, swept], []).of(ThroughputPoint) == [swept]


def test_a_point_that_is_measured_again_takes_the_place_of_the_one_before() -> None:
    ledger = Ledger([latency(1), latency(4)], [])
    again = latency(1, n=7)
    ledger.add("latency", [again])
    assert [(point.batch, point.n) for point in ledger.of(LatencyPoint)] == [(4, 100), (1, 7)]


def test_an_outdated_point_is_wanted_again_and_stands_until_it_is_there() -> None:
    one = latency(1)
    ledger = Ledger([one], [])
    ledger.outdate(one)
    assert ledger.find(wanted(one)) is None
    assert ledger.of(LatencyPoint) == [one]


def test_a_part_that_begins_again_wants_what_was_missing_and_keeps_its_points() -> None:
    one = latency(1, part="latency")
    ledger = Ledger([one], [missing("latency"), missing("memory")])
    ledger.reopen("latency", stale=False)
    assert [each.part for each in ledger.missing] == ["memory"]
    assert ledger.points == [one]


def test_a_part_with_other_settings_loses_its_own_points_alone() -> None:
    mine, other = latency(1, part="latency"), latency(4, part="scaling")
    ledger = Ledger([mine, other], [])
    ledger.reopen("latency", stale=True)
    assert ledger.points == [other]
