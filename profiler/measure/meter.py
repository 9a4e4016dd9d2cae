"""Slices of load between slices of the reference probe: throughput, raw and with the machine's drift divided out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from profiler.analysis.statistics import RatioInterval, ratio_interval
from profiler.errors import ServerError
from profiler.load_generator.closed_loop import SLICE_S, ClosedLoop, LoadSlice, Loop
from profiler.load_generator.perf_analyzer import PerfAnalyzer, find_perf_analyzer
from profiler.load_generator.perf_analyzer_loop import PerfAnalyzerLoop
from profiler.load_generator.probe import SLICE_S as PROBE_SLICE_S
from profiler.measure.latency import at as latency_at
from profiler.measure.latency import drift, summarise
from profiler.records.base import Point, Verdict
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import MaximalThroughput, ThroughputPoint
from profiler.resources import Resources
from profiler.runtimes.served import Served
from profiler.runtimes.session import open_session
from profiler.subject import Subject
from profiler.system.energy import EnergyMeter
from profiler.system.noise import NoiseMeter
from profiler.system.processes import cpu_seconds

SLICE_SECONDS = SLICE_S + PROBE_SLICE_S
# A quota of a part of a core comes anew every 100 ms: a slice must hold many of those periods.
QUOTA_SLICE_S = 1.0
SETTLED_HALF_WIDTH = 0.05
CLIENT_LIMIT = 0.9
COUNT_TOLERANCE = 0.02
STILL_ROSE = "the rate still rose at the highest concurrency that was measured"


@dataclass
class Run:
    """The slices of one point, each with the probe's rate around it, and what the serving processes used."""

    batch: int
    concurrency: int
    slices: list[LoadSlice] = field(default_factory=list)
    probes_per_s: list[float] = field(default_factory=list)
    server_answers: int | None = None
    server_cpu_s: float | None = None
    noise: NoiseMeter = field(default_factory=NoiseMeter)
    energy: EnergyMeter = field(default_factory=EnergyMeter)

    @property
    def answers(self) -> int:
        """Inputs answered in all slices."""
        return sum(one.requests for one in self.slices) * self.batch

    def seconds(self) -> float:
        """What the slices and the probe between them took."""
        return sum(one.wall_s + PROBE_SLICE_S for one in self.slices)

    def rate(self, reference_per_s: float | None = None) -> RatioInterval:
        """Images a second over all slices; with a reference, as if the probe had run at that rate beside each."""
        counted = [one.counted * self.batch for one in self.slices]
        seconds = [one.seconds for one in self.slices]
        if reference_per_s is not None:
            # A slice of a slow moment counts as less time than the clock says.
            seconds = [s * p / reference_per_s for s, p in zip(seconds, self.probes_per_s, strict=True)]
        return ratio_interval(counted, seconds)


class ThroughputMeter:
    """Measures a subject with the given resources; the raw slices go to its samples."""

    def __init__(self, subject: Subject, resources: Resources) -> None:
        self._subject, self._resources = subject, resources

    def run(self, batch: int, concurrency: int, slices: int) -> Run:
        """Load and probe in turns. Raises `ServerError` where server and client count differently."""
        subject = self._subject
        served = subject.serve(self._resources)
        with subject.driving(self._resources):
            loop = self._loop(served, batch, concurrency)
            loop.warm_up()
            run = Run(batch, concurrency)
            # The server counts an answer after sending it; the probe gives it the time to.
            before = subject.bench.probe.rate_per_s()
            counted, used_s = served.answers_counted() if loop.tells_all else None, 0.0
            for _ in range(slices):
                start_s = self._cpu_s()
                run.slices.append(loop.run(loop.slice_s))
                used_s += self._cpu_s() - start_s
                after = subject.bench.probe.rate_per_s()
                run.probes_per_s.append((before + after) / 2)
                before = after
        run.server_answers = count_since(served, counted)
        run.server_cpu_s = None if subject.bench.host.process is None else used_s
        check_counts(run)
        return run

    def _loop(self, served: Served, batch: int, concurrency: int) -> Loop:
        subject = self._subject
        if subject.bench.target.load_generator == "built-in":
            slice_s = QUOTA_SLICE_S if self._resources.cores % 1 else SLICE_S
            return ClosedLoop(served, subject.expectation, batch, concurrency, slice_s)
        images, address = subject.expectation.images[:batch], subject.bench.host.address or ""
        name = open_session(subject.path, threads=1).get_inputs()[0].name
        analyzer = PerfAnalyzer(find_perf_analyzer(), address, subject.name, name, images)
        return PerfAnalyzerLoop(analyzer, batch, concurrency)

    def _cpu_s(self) -> float:
        process = self._subject.bench.host.process
        return 0.0 if process is None else cpu_seconds(process)

    def _keep(self, run: Run, figure: str) -> None:
        resources = self._resources
        place = f"batch_{run.batch}_concurrency_{run.concurrency}_cores_{resources.cores:g}_x{resources.instances}"
        values = {
            "counted": [one.counted * run.batch for one in run.slices],
            "seconds": [one.seconds for one in run.slices],
            "probe_per_s": run.probes_per_s,
            "latency_s": [value for one in run.slices for value in one.latencies_s],
        }
        for name, raw in values.items():
            self._subject.samples[f"{figure}_{place}_{name}"] = np.array(raw)

    def point(self, run: Run) -> list[Point]:
        """A point of the sweep, and the latencies that its callers saw."""
        self._keep(run, "throughput")
        return [ThroughputPoint.model_validate(self._figures(run, saturated=True)), *self._latency(run)]

    def maximum(self, run: Run, saturated: bool) -> list[Point]:
        """The maximum of a batch size; `saturated` says whether the rate had stopped rising at that concurrency."""
        self._keep(run, "max_throughput")
        figures = self._figures(run, saturated)
        used = None if run.server_cpu_s is None else run.server_cpu_s / sum(one.wall_s for one in run.slices)
        each = None if run.server_cpu_s is None else run.server_cpu_s / run.answers
        if used is None:
            unseen = "the serving processes are not ours to see"
            figures["reasons"] |= {"server_cores_used": unseen, "core_s_per_inference": unseen}
        extra = {"server_cores_used": used, "core_s_per_inference": each, "energy": run.energy.read(run.answers)}
        return [MaximalThroughput.model_validate(figures | extra), *self._latency(run)]

    def _figures(self, run: Run, saturated: bool) -> dict[str, Any]:
        subject, resources = self._subject, self._resources
        raw, corrected = run.rate(), run.rate(subject.reference_per_s)
        share = float(np.median([one.client_cpu_share for one in run.slices]))
        verdict, why = judge(corrected, share, saturated, in_process=subject.bench.host.address is None)
        figures: dict[str, Any] = {
            "low_images_per_s": raw.low,
            "high_images_per_s": raw.high,
            "corrected_low_images_per_s": corrected.low,
            "corrected_high_images_per_s": corrected.high,
        }
        reasons = {name: f"{len(run.slices)} slices bound no rate" for name, value in figures.items() if value is None}
        if run.server_answers is None:
            reasons["server_answers"] = "nobody but the client counts"
        return figures | {
            "runtime": subject.bench.host.runtime,
            "batch": run.batch,
            "concurrency": run.concurrency,
            "cores": resources.cores,
            "threads": resources.threads,
            "instances": resources.instances,
            "slices": len(run.slices),
            "images_per_s": raw.ratio,
            "corrected_images_per_s": corrected.ratio,
            "answers": run.answers,
            "server_answers": run.server_answers,
            "client_cpu_share": share,
            "verdict": verdict,
            "verdict_reason": why,
            "noise": run.noise.read(float(np.median(run.probes_per_s))),
            "reasons": reasons,
        }

    def _latency(self, run: Run) -> Iterator[LatencyPoint]:
        """The latencies that the callers saw, where the load generator tells them one by one."""
        subject, samples, probes = self._subject, list[float](), list[float]()
        for one, probe in zip(run.slices, run.probes_per_s, strict=True):
            samples += [value * 1e3 for value in one.latencies_s]
            probes += [probe] * len(one.latencies_s)
        if samples:
            runtime, shape = subject.bench.host.runtime, subject.shapes[0]
            place = latency_at(runtime, run.batch, self._resources, run.concurrency, shape)
            noise = run.noise.read(float(np.median(run.probes_per_s)))
            yield summarise(samples, place, noise, drift(probes, subject.reference_per_s))


def count_since(served: Served, before: int | None) -> int | None:
    """What the server counted since, `None` where it counts nothing."""
    after = served.answers_counted()
    return None if before is None or after is None else after - before


def check_counts(run: Run) -> None:
    """Raises `ServerError` where server and client disagree about how much was answered."""
    counted, answers = run.server_answers, run.answers
    if counted is not None and abs(counted - answers) > COUNT_TOLERANCE * answers:
        raise ServerError(
            f"the server counts {counted} answers where the client had {answers}: "
            "it was replaced, or somebody else is calling it"
        )


def judge(corrected: RatioInterval, client_share: float, saturated: bool, in_process: bool) -> tuple[Verdict, str]:
    """Whether the point can be taken for the maximum, and why not."""
    if not in_process and client_share > CLIENT_LIMIT:
        return "not saturated", f"the load generator was busy for {client_share:.0%} of a core: it may be the limit"
    if not saturated:
        return "not saturated", STILL_ROSE
    if corrected.low is None or corrected.high is None:
        return "unsettled", "too few slices for an interval"
    half_width = (corrected.high - corrected.low) / 2 / corrected.ratio
    if half_width > SETTLED_HALF_WIDTH:
        return "unsettled", f"the 95 % interval is ± {half_width:.1%} of the rate"
    return "settled", f"the 95 % interval is ± {half_width:.1%} of the rate"
