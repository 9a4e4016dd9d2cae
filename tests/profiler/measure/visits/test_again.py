"""Loops of an earlier profile, measured again."""

from pathlib import Path

import pytest
from narrowing import known
from stub_host import REFERENCE_PER_S, StubHost, model_on

from profiler.measure.visits.again import measured_again
from profiler.measure.visits.part import Visited

pytestmark = pytest.mark.alone

LOOPS = [Visited(1, 1), Visited(2, 2)]


def test_every_loop_has_the_rates_and_the_medians_of_all_visits(network: Path) -> None:
    host = StubHost(0.004)
    found = measured_again(model_on(host, network), LOOPS, visits=3, seconds=0.02)
    assert host.loads == 3
    for loop in LOOPS:
        again = known(found[loop])
        assert 150 * loop.batch < again.images_per_s.ratio < 251 * loop.batch
        assert again.relative_throughput.ratio == pytest.approx(again.images_per_s.ratio / REFERENCE_PER_S)
        assert known(again.p50_ms).ratio == pytest.approx(4.0 * loop.concurrency, rel=0.3)


def test_a_model_that_is_slower_by_a_half_has_another_ratio(network: Path) -> None:
    loop = Visited(1, 1)
    ratios = [
        known(measured_again(model_on(StubHost(seconds), network), [loop], 3, 0.1)[loop]).relative_throughput
        for seconds in (0.004, 0.006)
    ]
    assert known(ratios[1].high) < known(ratios[0].low)
