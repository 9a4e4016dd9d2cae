"""From slices of load and reference to a rate with an interval and a verdict."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from blank import noise
from narrowing import known, of
from stub_host import REFERENCE_PER_S, StubHost, model_on
from support import assert_accepts

from profiler.analysis.statistics import RatioInterval
from profiler.common.errors import ServerError
from profiler.common.target import Resources
from profiler.load_generator.closed_loop import LoadSlice
from profiler.load_generator.reference import InProcessReference
from profiler.measure.counts import check_counts
from profiler.measure.throughput import meter
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.run import Run, images_per_s, relative_throughput
from profiler.measure.throughput.verdict import judge
from profiler.records.throughput import ThroughputPoint
from profiler.system.energy import EnergyMeter
from profiler.target.disturbance import Disturbance

ONE = Resources(cores=1, threads=1, instances=1)


class Drifting(InProcessReference):
    """A reference that runs at these rates in turns."""

    def __init__(self, *rates_per_s: float) -> None:
        self._rates = itertools.cycle(rates_per_s)

    def rate_per_s(self, compared_s: float = 0.0) -> float:
        return next(self._rates)


def test_the_rate_is_as_delivered_and_the_ratio_to_the_reference_stands_beside_it(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "SLICE_S", 0.05)
    for reference_per_s in (500.0, 2000.0):
        model = model_on(StubHost(0.005), network, reference=Drifting(reference_per_s))
        measuring = ThroughputMeter(model, ONE)
        point = of(measuring.point(measuring.run(1, 1, seconds=0.0))[0], ThroughputPoint)
        assert 100 < point.images_per_s < 201
        assert point.relative_throughput == pytest.approx(point.images_per_s / reference_per_s)


def slices(*seconds: float, references_per_s: Sequence[float] = (), drift_sd_share: float = 0.0) -> Run:
    """Twelve answers of two inputs in each slice, beside a steady reference."""
    loads = [LoadSlice(12, one, 12, one, [one / 12] * 12, 0.1) for one in seconds]
    references = list(references_per_s) or [REFERENCE_PER_S] * len(loads)
    seen = Disturbance(list(range(len(loads))), noise(), 0.0)
    return Run(2, 1, EnergyMeter(), loads, references, seen, drift_sd_share)


def test_a_rate_is_everything_counted_over_all_the_seconds() -> None:
    run = slices(0.2, 0.2, 0.2, 0.2, 0.2, 0.4)
    assert images_per_s(run.blocks(), 0.0).ratio == pytest.approx(6 * 12 * 2 / 1.4)
    assert run.answers == 6 * 12 * 2


def test_a_disturbed_slice_is_in_no_figure() -> None:
    run = slices(*[0.2] * 7, 5.0)
    calm = replace(run, seen=Disturbance(list(range(7)), noise(), 5.0))
    assert images_per_s(calm.blocks(), 0.0).ratio == pytest.approx(120)
    assert relative_throughput(calm.blocks()).ratio == pytest.approx(120 / REFERENCE_PER_S)
    assert max(calm.latencies()[0]) == pytest.approx(200 / 12)


def test_kept_blocks_hold_the_sums_of_their_slices() -> None:
    blocks = slices(0.2, 0.4, 0.2, 0.4).blocks(2)
    assert blocks.counted == (48.0, 48.0)
    assert blocks.seconds == pytest.approx((0.6, 0.6))
    assert blocks.references == pytest.approx((600.0, 600.0))


def test_a_stall_in_one_slice_unsettles_the_rate() -> None:
    calm = relative_throughput(slices(*[0.2] * 12).blocks())
    assert judge(calm, 0.1, saturated=True, in_process=False)[0] == "settled"
    stalled = relative_throughput(slices(*[0.2] * 11, 1.7).blocks())
    verdict, reason = judge(stalled, 0.1, saturated=True, in_process=False)
    assert (verdict, "95 % interval" in reason) == ("unsettled", True)
    assert known(stalled.low) < calm.ratio < known(stalled.high)


def test_a_ratio_is_uncertain_by_what_the_reference_cannot_show() -> None:
    ratio = relative_throughput(slices(*[0.2] * 12).blocks())
    # 1.96 standard deviations of 1 %.
    assert math.log(known(ratio.high) / ratio.ratio) == pytest.approx(0.0196)


def test_an_absolute_rate_is_uncertain_by_the_drift_of_the_machine() -> None:
    rate = images_per_s(slices(*[0.2] * 12).blocks(), drift_sd_share=0.03)
    assert math.log(known(rate.high) / rate.ratio) == pytest.approx(1.96 * 0.03)


def test_a_stall_of_the_reference_unsettles_the_ratio() -> None:
    references_per_s = [REFERENCE_PER_S] * 5 + [REFERENCE_PER_S / 2] * 2 + [REFERENCE_PER_S] * 5
    ratio = relative_throughput(slices(*[0.2] * 12, references_per_s=references_per_s).blocks())
    assert judge(ratio, 0.1, saturated=True, in_process=False)[0] == "unsettled"


@pytest.mark.parametrize("counted", [144, 146, 142])
def test_a_server_that_counts_as_the_client_does_is_believed(counted: int) -> None:
    assert_accepts(check_counts, counted, 144)


@pytest.mark.parametrize("counted", [0, 72, 148, 288, -10])
def test_a_server_that_counts_otherwise_is_not_believed(counted: int) -> None:
    with pytest.raises(ServerError, match=f"counts {counted} answers where the client had 144"):
        check_counts(counted, answers=144)


def test_where_nobody_else_counts_there_is_nothing_to_disagree() -> None:
    assert_accepts(check_counts, None, 144)


@pytest.mark.parametrize(
    ("low", "high", "share", "saturated", "verdict"),
    [
        (98, 102, 0.5, True, "settled"),
        (95.5, 104.5, 0.5, True, "settled"),
        (94.5, 105.5, 0.5, True, "unsettled"),
        (80, 120, 0.5, True, "unsettled"),
        (None, None, 0.5, True, "unsettled"),
        (98, 102, 0.99, True, "not saturated"),
        (98, 102, 0.5, False, "not saturated"),
    ],
)
def test_the_verdict_follows_from_the_evidence(
    low: float | None, high: float | None, share: float, saturated: bool, verdict: str
) -> None:
    assert judge(RatioInterval(100, low, high), share, saturated, in_process=False)[0] == verdict


def test_in_this_process_the_load_generator_is_the_server_and_may_be_busy() -> None:
    assert judge(RatioInterval(100, 98, 102), 0.99, saturated=True, in_process=True)[0] == "settled"
