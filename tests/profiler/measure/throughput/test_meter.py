"""From slices of load and reference to a rate with an interval and a verdict."""

import itertools
import math
from pathlib import Path

import pytest
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
from profiler.measure.throughput.run import Run
from profiler.measure.throughput.verdict import judge
from profiler.records.throughput import ThroughputPoint
from profiler.system.energy import EnergyMeter

ONE = Resources(cores=1, threads=1, instances=1)


class Drifting(InProcessReference):
    """A reference that runs at these rates in turns."""

    def __init__(self, *rates_per_s: float) -> None:
        self._rates = itertools.cycle(rates_per_s)

    def rate_per_s(self, compared_s: float = 0.0) -> float:
        return next(self._rates)


def test_drift_is_divided_out_and_the_raw_figure_kept(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "SLICE_S", 0.05)

    def rates(*probe_per_s: float) -> tuple[float, float]:
        model = model_on(StubHost(0.005), network, reference=Drifting(*probe_per_s))
        measuring = ThroughputMeter(model, ONE)
        point = of(measuring.point(measuring.run(1, 1, seconds=0.0))[0], ThroughputPoint)
        return point.images_per_s, point.corrected_images_per_s

    for speed in (0.5, 2.0):
        raw, corrected = rates(speed * REFERENCE_PER_S)
        assert corrected == pytest.approx(raw / speed)
    raw, corrected = rates(0.5 * REFERENCE_PER_S, 1.5 * REFERENCE_PER_S)
    assert corrected == pytest.approx(raw)


def slices(*seconds: float) -> Run:
    """Twelve answers of two inputs in each slice, beside a reference at its normal speed."""
    loads = [LoadSlice(12, one, 12, one, [one / 12] * 12, 0.1) for one in seconds]
    return Run(2, 1, EnergyMeter(), loads, [REFERENCE_PER_S] * len(loads))


def test_a_rate_is_everything_counted_over_all_the_seconds() -> None:
    run = slices(0.2, 0.2, 0.2, 0.2, 0.2, 0.4)
    assert run.rate().ratio == pytest.approx(6 * 12 * 2 / 1.4)
    assert run.answers == 6 * 12 * 2


def test_a_stall_in_one_slice_unsettles_the_rate() -> None:
    calm = slices(*[0.2] * 12).rate()
    assert judge(calm, 0.1, saturated=True, in_process=False)[0] == "settled"
    stalled = slices(*[0.2] * 11, 1.7).rate()
    verdict, reason = judge(stalled, 0.1, saturated=True, in_process=False)
    assert (verdict, "95 % interval" in reason) == ("unsettled", True)
    assert known(stalled.low) < calm.ratio < known(stalled.high)


def test_a_corrected_rate_is_uncertain_by_what_the_probe_cannot_show() -> None:
    run = slices(*[0.2] * 12)
    raw, corrected = run.rate(), run.rate(REFERENCE_PER_S)
    assert (raw.low, raw.high) == pytest.approx((raw.ratio, raw.ratio))
    # 1.96 standard deviations of 1 %.
    assert math.log(known(corrected.high) / corrected.ratio) == pytest.approx(0.0196)


def test_a_stall_of_the_probe_unsettles_the_corrected_rate() -> None:
    run = slices(*[0.2] * 12)
    run.references_per_s[5:7] = [REFERENCE_PER_S / 2] * 2
    assert judge(run.rate(REFERENCE_PER_S), 0.1, saturated=True, in_process=False)[0] == "unsettled"


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
