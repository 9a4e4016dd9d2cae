"""Later visits load the model again and measure its maxima once more."""

from pathlib import Path

import pytest
from blank import blank_level
from narrowing import known
from stub_host import StubHost, go_through, model_on

from profiler.measure.ledger import Ledger
from profiler.measure.throughput.part import measurements as throughput
from profiler.measure.visits.part import measurements
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import MaximalThroughput, Visit

pytestmark = pytest.mark.alone

LEVEL = blank_level(
    throughput={"batches": [1, 2], "max_concurrency": 2, "search_seconds": 0.02, "settle_seconds": 0.02},
    visits={"visits": 3, "seconds": 0.02},
)


def test_every_maximum_and_the_single_caller_are_visited_in_every_round(network: Path) -> None:
    host, ledger = StubHost(0.002), Ledger([], [])
    model = model_on(host, network)
    assert LEVEL.throughput is not None
    assert LEVEL.visits is not None
    go_through(throughput(model, LEVEL.throughput, ledger), ledger, "throughput")
    loads = host.loads
    go_through(measurements(model, LEVEL.visits, ledger), ledger, "visits")
    assert host.loads == loads + 2
    maxima = ledger.of(MaximalThroughput)
    assert len(maxima) == 2
    visits = ledger.of(Visit)
    for point in maxima:
        assert point.visits == 3
        assert [one.visit for one in visits if (one.batch, one.concurrency) == (point.batch, point.concurrency)] == [
            2,
            3,
        ]
    (single,) = [one for one in ledger.of(LatencyPoint) if (one.batch, one.concurrency) == (1, 1)]
    assert len(single.visit_p50_ms) == 3


def test_a_run_in_rounds_measures_what_one_run_of_all_visits_does(network: Path) -> None:
    ledger, model = Ledger([], []), model_on(StubHost(0.002), network)
    assert LEVEL.throughput is not None
    assert LEVEL.visits is not None
    go_through(throughput(model, LEVEL.throughput, ledger), ledger, "throughput")
    for so_far in (2, 3):
        settings = LEVEL.visits.model_copy(update={"visits": so_far})
        measured = go_through(measurements(model, settings, ledger), ledger, "visits")
        assert {one.place.visit for one in measured} == {so_far}


def test_a_maximum_of_several_visits_stays_a_point_of_its_own_part(network: Path) -> None:
    ledger, model = Ledger([], []), model_on(StubHost(0.002), network)
    go_through(throughput(model, known(LEVEL.throughput), ledger), ledger, "throughput")
    go_through(measurements(model, known(LEVEL.visits), ledger), ledger, "visits")
    assert {one.part for one in ledger.of(MaximalThroughput)} == {"throughput"}
    assert {one.part for one in ledger.of(Visit)} == {"visits"}
    ledger.reopen("throughput", stale=True)
    assert not ledger.of(MaximalThroughput)
