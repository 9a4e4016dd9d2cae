"""The most a served model can answer: a closed loop, made denser until the rate stops rising.

Slices of load alternate with slices of the reference probe, so that a drift of the machine is seen and
can be divided out. A point that did not settle is kept with its verdict; it ends nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from profiler.analysis.statistics import MedianInterval, median_interval
from profiler.errors import ServerError
from profiler.load_generator.closed_loop import ClosedLoop, LoadSlice
from profiler.load_generator.probe import Probe
from profiler.records.base import Verdict
from profiler.records.throughput import ThroughputPoint
from profiler.runtimes.served import Expectation, Served
from profiler.system.machine import NoiseMeter
from profiler.target import Target

SLICE_S = 0.2
SETTLED_HALF_WIDTH = 0.05
GAIN_WORTH_MORE = 1.03
CLIENT_LIMIT = 0.9
COUNT_TOLERANCE = 0.02


@dataclass(frozen=True)
class Search:
    """How long to look: batches to try, the densest loop, slices to search with and to settle with."""

    batches: list[int]
    max_concurrency: int
    search_slices: int
    settle_slices: int


@dataclass
class Run:
    """The slices of one point, each with the probe's rate beside it."""

    batch: int
    concurrency: int
    slices: list[LoadSlice] = field(default_factory=list)
    probes_per_s: list[float] = field(default_factory=list)

    def rates(self) -> list[float]:
        """Images a second of each slice."""
        return [one.requests_per_s * self.batch for one in self.slices]

    def relative(self) -> list[float]:
        """Images a second of each slice for each probe run a second beside it."""
        return [rate / probe for rate, probe in zip(self.rates(), self.probes_per_s, strict=True)]


class ThroughputMeter:
    """Measures one served model; `runs` keeps the raw slices of every point."""

    def __init__(self, served: Served, expectation: Expectation, target: Target, probe: Probe) -> None:
        self._served, self._expectation, self._target, self._probe = served, expectation, target, probe
        self.runs: list[Run] = []

    def search(self, search: Search, reference_per_s: float) -> tuple[list[ThroughputPoint], ThroughputPoint]:
        """The points of the sweep, and the best of them measured again with more slices.

        The second measurement is the maximum: the best of many short ones is lucky as well as fast.
        """
        tried = [pair for batch in search.batches for pair in self._saturate(batch, search, reference_per_s)]
        best, saturated = max(tried, key=lambda pair: pair[0].corrected_images_per_s)
        settled = self._measure(best.batch, best.concurrency, search.settle_slices, reference_per_s, saturated)
        return [point for point, _ in tried], settled

    def _saturate(self, batch: int, search: Search, reference_per_s: float) -> Iterator[tuple[ThroughputPoint, bool]]:
        """Doubles the concurrency until it gains nothing; says of each point whether saturation was reached."""
        concurrency, best = 1, 0.0
        while True:
            point = self._measure(batch, concurrency, search.search_slices, reference_per_s, saturated=True)
            gained = point.corrected_images_per_s > best * GAIN_WORTH_MORE
            best = max(best, point.corrected_images_per_s)
            last = concurrency * 2 > search.max_concurrency
            yield point, not (gained and last)
            if not gained or last:
                return
            concurrency *= 2

    def _measure(
        self, batch: int, concurrency: int, slices: int, reference_per_s: float, saturated: bool
    ) -> ThroughputPoint:
        loop = ClosedLoop(self._served, self._expectation, batch, concurrency)
        loop.warm_up()
        run = Run(batch, concurrency)
        # The server counts an answer after sending it; the probe gives it the time to.
        meter, before = NoiseMeter(), self._probe.rate_per_s()
        counted = self._served.answers_counted()
        for _ in range(slices):
            run.slices.append(loop.run(SLICE_S))
            after = self._probe.rate_per_s()
            run.probes_per_s.append((before + after) / 2)
            before = after
        self.runs.append(run)
        answers = sum(one.requests for one in run.slices) * batch
        server = self._count_since(counted)
        check_counts(answers, server)
        return self._point(run, meter, answers, server, reference_per_s, saturated)

    def _count_since(self, before: int | None) -> int | None:
        after = self._served.answers_counted()
        return None if before is None or after is None else after - before

    def _point(
        self,
        run: Run,
        meter: NoiseMeter,
        answers: int,
        server_answers: int | None,
        reference_per_s: float,
        saturated: bool,
    ) -> ThroughputPoint:
        raw = median_interval(run.rates())
        probe_per_s = float(np.median(run.probes_per_s))
        corrected = median_interval([value * reference_per_s for value in run.relative()])
        share = float(np.median([one.client_cpu_share for one in run.slices]))
        verdict, reason = judge(corrected, share, saturated, self._served.runtime)
        bounds = {
            "low_images_per_s": raw.low,
            "high_images_per_s": raw.high,
            "corrected_low_images_per_s": corrected.low,
            "corrected_high_images_per_s": corrected.high,
        }
        reasons = {name: f"{len(run.slices)} slices bound no median" for name, value in bounds.items() if value is None}
        if server_answers is None:
            reasons["server_answers"] = "no server counts in-process calls"
        return ThroughputPoint(
            runtime=self._served.runtime,
            batch=run.batch,
            concurrency=run.concurrency,
            cores=self._target.cores,
            instances=self._target.instances,
            slices=len(run.slices),
            images_per_s=raw.median,
            corrected_images_per_s=corrected.median,
            answers=answers,
            server_answers=server_answers,
            client_cpu_share=share,
            verdict=verdict,
            verdict_reason=reason,
            noise=meter.read(probe_per_s),
            reasons=reasons,
            **bounds,
        )


def check_counts(answers: int, server_answers: int | None) -> None:
    """Raises `ServerError` where server and client disagree about how much was answered."""
    if server_answers is not None and abs(server_answers - answers) > COUNT_TOLERANCE * answers:
        raise ServerError(
            f"the server counts {server_answers} answers where the client had {answers}: is somebody else calling it?"
        )


def judge(corrected: MedianInterval, client_share: float, saturated: bool, runtime: str) -> tuple[Verdict, str]:
    """Whether the point can be taken for the maximum, and why not."""
    if runtime != "onnxruntime" and client_share > CLIENT_LIMIT:
        return "not saturated", f"the load generator was busy for {client_share:.0%} of a core: it may be the limit"
    if not saturated:
        return "not saturated", "the rate still rose at the highest concurrency tried"
    if corrected.low is None or corrected.high is None:
        return "unsettled", "too few slices for an interval"
    half_width = (corrected.high - corrected.low) / 2 / corrected.median
    if half_width > SETTLED_HALF_WIDTH:
        return "unsettled", f"the 95 % interval is ± {half_width:.1%} of the median"
    return "settled", f"the 95 % interval is ± {half_width:.1%} of the median"
