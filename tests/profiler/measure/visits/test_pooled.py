"""The figures of all visits to a model."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from blank import noise
from narrowing import known, of
from stub_host import maximum

from profiler.common.target import Resources
from profiler.measure.latency.point import latency_point
from profiler.measure.ledger import Ledger
from profiler.measure.visits.pooled import middle, pooled, pooled_latency, pooled_maximum
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.records.throughput import Blocks, MaximalThroughput, Visit

ONE = Resources(cores=1, threads=1, instances=1)
MODEL: Any = SimpleNamespace(in_process=True, shapes=[(1, 8, 8)])


def blocks(per_s: float, reference_per_s: float = 1000.0, count: int = 3) -> Blocks:
    return Blocks(counted=(per_s,) * count, seconds=(1.0,) * count, references=(reference_per_s,) * count)


def visit(number: int, per_s: float, reference_per_s: float = 1000.0, p50_ms: float = 2.0) -> Visit:
    return Visit(
        runtime="stub", cores=1, threads=1, instances=1, batch=1, concurrency=2, visit=number,
        blocks=blocks(per_s, reference_per_s), n=100, p50_ms=p50_ms,
        relative_p50=p50_ms * reference_per_s / 1e3, noise=noise(),
    )  # fmt: skip


def test_the_rate_is_that_of_the_slices_of_all_visits() -> None:
    first = maximum(100.0, blocks=blocks(100.0), saturated=True)
    pooled = pooled_maximum(first, 3, [visit(2, 110.0), visit(3, 120.0)], 0.0, in_process=True)
    assert pooled.images_per_s == pytest.approx(110.0)
    assert pooled.visits == 3


def test_a_drift_between_visits_widens_the_absolute_interval_and_not_the_relative_one() -> None:
    first = maximum(100.0, blocks=blocks(100.0, 1000.0), saturated=True)
    pooled = pooled_maximum(first, 3, [visit(2, 80.0, 800.0), visit(3, 90.0, 900.0)], 0.0, in_process=True)
    assert pooled.low_images_per_s is not None
    assert pooled.high_images_per_s is not None
    assert pooled.high_images_per_s / pooled.low_images_per_s > 1.2
    assert pooled.low_relative_throughput is not None
    assert pooled.high_relative_throughput is not None
    assert pooled.relative_throughput == pytest.approx(0.1)
    # 1.96 standard deviations of 1 %, which no slice shows.
    assert pooled.high_relative_throughput / pooled.relative_throughput == pytest.approx(math.exp(0.0196))


def test_a_disturbed_first_visit_does_not_count() -> None:
    disturbed = noise().model_copy(update={"disturbed": True})
    first = maximum(50.0, blocks=blocks(50.0), saturated=True, noise=disturbed, verdict="disturbed")
    pooled = pooled_maximum(first, 3, [visit(2, 100.0), visit(3, 100.0)], 0.0, in_process=True)
    assert pooled.images_per_s == pytest.approx(100.0)
    assert (pooled.visits, pooled.verdict) == (3, "settled")


def test_the_median_latency_is_that_of_the_visits_and_its_interval_shows_how_they_differ() -> None:
    place = Place("stub", ONE, batch=1, concurrency=1, input_shape=(1, 8, 8))
    latency = latency_point(place, [2.0] * 100, [1000.0] * 100, noise(), 0.0)
    for number, p50_ms in ((2, 2.2), (3, 1.8)):
        latency = pooled_latency(latency, visit(number, 100.0, p50_ms=p50_ms), 0.0)
    assert latency.visit_p50_ms == (2.0, 2.2, 1.8)
    assert latency.p50_ms == pytest.approx((2.0 * 2.2 * 1.8) ** (1 / 3))
    assert latency.p50_low_ms is not None
    assert latency.p50_high_ms is not None
    assert latency.p50_low_ms < 1.8
    assert latency.p50_high_ms > 2.2


def latency_of_two_callers() -> LatencyPoint:
    place = Place("stub", ONE, batch=1, concurrency=2, input_shape=(1, 8, 8))
    return latency_point(place, [2.0] * 100, [1000.0] * 100, noise(), 0.0)


def disturbed(one: Visit) -> Visit:
    return one.model_copy(update={"noise": noise().model_copy(update={"disturbed": True})})


def test_the_drift_of_the_machine_widens_a_rate_as_delivered() -> None:
    first = maximum(100.0, blocks=blocks(100.0), saturated=True)
    pooled = pooled_maximum(first, 3, [visit(2, 100.0), visit(3, 100.0)], 0.03, in_process=True)
    assert math.log(known(pooled.high_images_per_s) / 100) == pytest.approx(1.96 * 0.03)


def test_a_disturbed_visit_counts_as_made_and_is_in_no_rate() -> None:
    first = maximum(100.0, blocks=blocks(100.0), saturated=True)
    ledger = Ledger([first, disturbed(visit(2, 10.0))], [])
    (found,) = pooled(MODEL, ledger, visit(3, 100.0), 0.0)
    assert isinstance(found, MaximalThroughput)
    assert found.visits == 3
    assert found.images_per_s == pytest.approx(100.0)


def test_a_later_visit_of_an_earlier_run_is_not_in_the_figures_of_this_one() -> None:
    first = maximum(100.0, blocks=blocks(100.0), saturated=True)
    ledger = Ledger([first, visit(3, 10.0)], [])
    (found,) = pooled(MODEL, ledger, visit(2, 100.0), 0.0)
    assert isinstance(found, MaximalThroughput)
    assert found.images_per_s == pytest.approx(100.0)


def test_a_disturbed_visit_adds_no_median() -> None:
    newest = visit(2, 100.0, p50_ms=3.0)
    (quiet,) = pooled(MODEL, Ledger([latency_of_two_callers()], []), newest, 0.0)
    (busy,) = pooled(MODEL, Ledger([latency_of_two_callers()], []), disturbed(newest), 0.0)
    assert of(quiet, LatencyPoint).visit_p50_ms == (2.0, 3.0)
    assert of(busy, LatencyPoint).visit_p50_ms == (2.0, None)
    assert of(busy, LatencyPoint).p50_ms == 2.0


def test_a_visit_that_is_made_again_replaces_its_median() -> None:
    latency = latency_of_two_callers()
    for p50_ms in (3.0, 2.5):
        latency = pooled_latency(latency, visit(2, 100.0, p50_ms=p50_ms), 0.0)
    assert latency.visit_p50_ms == (2.0, 2.5)


def test_the_relative_median_is_that_of_the_visits_too() -> None:
    found = pooled_latency(latency_of_two_callers(), visit(2, 100.0, p50_ms=3.0), 0.0)
    assert found.visit_relative_p50 == (2.0, 3.0)
    assert found.relative_p50 == pytest.approx(math.sqrt(6.0))


def test_the_interval_of_a_middle_is_that_of_student_with_what_the_visits_do_not_show() -> None:
    values = [math.exp(one) for one in (-0.1, 0.0, 0.1)]
    # Two degrees of freedom: 4.303 standard errors of 0.1 / sqrt(3).
    seen = 4.3027 * 0.1 / math.sqrt(3)
    found = middle(values, 0.05)
    assert found.ratio == pytest.approx(1.0)
    assert math.log(known(found.high)) == pytest.approx(math.hypot(seen, 1.96 * 0.05), rel=1e-4)
    assert math.log(known(found.low)) == pytest.approx(-math.hypot(seen, 1.96 * 0.05), rel=1e-4)


def test_two_visits_show_no_spread_between_visits() -> None:
    found = middle([1.0, 1.2], 0.05)
    assert math.log(known(found.high) / found.ratio) == pytest.approx(1.96 * 0.05)


def test_a_latency_forgets_a_disturbed_first_visit_and_its_percentiles() -> None:
    place = Place("stub", ONE, batch=1, concurrency=1, input_shape=(1, 8, 8))
    disturbed = noise().model_copy(update={"disturbed": True})
    first = latency_point(place, [9.0] * 1000, [1000.0] * 1000, disturbed, 0.0)
    assert first.p99_ms is not None
    latency = first
    for number, p50_ms in ((2, 2.0), (3, 2.0)):
        latency = pooled_latency(latency, visit(number, 100.0, p50_ms=p50_ms), 0.0)
    assert latency.visit_p50_ms == (None, 2.0, 2.0)
    assert latency.p50_ms == pytest.approx(2.0)
    assert first.is_disturbed()
    assert not latency.is_disturbed()
    assert latency.is_wanted_again()
    assert (latency.p99_ms, latency.reasons["p99_ms"]) == (None, "the visit that measures percentiles was disturbed")
    assert LatencyPoint.model_validate_json(latency.model_dump_json()) == latency
