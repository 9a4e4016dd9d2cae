"""Slices of load between slices of the reference probe: throughput, raw and with the machine's drift divided out."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from profiler.analysis.statistics import FEWEST_BLOCKS
from profiler.common.resources import Resources
from profiler.load_generator.closed_loop import SLICE_S, ClosedLoop, Loop
from profiler.load_generator.perf_analyzer import PerfAnalyzer, find_perf_analyzer
from profiler.load_generator.perf_analyzer_loop import PerfAnalyzerLoop
from profiler.measure.counts import check_counts, count_since
from profiler.measure.latency.part import at as latency_at
from profiler.measure.latency.part import drift, summarise
from profiler.measure.throughput.run import Run
from profiler.measure.throughput.verdict import judge
from profiler.records.base import Point
from profiler.records.latency import LatencyPoint
from profiler.records.noise import Noise
from profiler.records.throughput import MaximalThroughput, ThroughputPoint
from profiler.runtimes.served import Served
from profiler.runtimes.session import open_session
from profiler.system.energy import EnergyMeter, gpus_of
from profiler.system.processes import cpu_seconds
from profiler.target.model_under_test import Subject

# A quota of a part of a core comes anew every 100 ms: a slice must hold many of those periods.
QUOTA_SLICE_S = 1.0


class ThroughputMeter:
    """Measures a subject with the given resources; the raw slices go to its samples."""

    def __init__(self, subject: Subject, resources: Resources) -> None:
        self._subject, self._resources = subject, resources
        self._yardstick = subject.yardstick(resources)

    def run(self, batch: int, concurrency: int, seconds: float, fewest: int = FEWEST_BLOCKS) -> Run:
        """Load and probe in turns, for `seconds` and at least the `fewest` slices.

        Raises `ServerError` where server and client count differently.
        """
        subject = self._subject
        served = subject.serve(self._resources)
        with subject.driving(self._resources):
            loop = self._loop(served, batch, concurrency)
            loop.warm_up()
            run = Run(batch, concurrency, EnergyMeter(gpus_of(subject.bench.target.providers)))
            before = self._yardstick.rate_per_s(loop.slice_s)
            counted, used_s = served.answers_counted() if loop.tells_all else None, 0.0
            end = time.perf_counter() + seconds
            while len(run.slices) < fewest or time.perf_counter() < end:
                start_s = self._cpu_s()
                with run.energy.counting():
                    run.slices.append(loop.run(loop.slice_s))
                used_s += self._cpu_s() - start_s
                after = self._yardstick.rate_per_s(run.slices[-1].wall_s)
                run.probes_per_s.append((before + after) / 2)
                before = after
        run.server_answers = count_since(served, counted, run.answers)
        run.server_cpu_s = None if subject.bench.host.process is None else used_s
        check_counts(run.server_answers, run.answers)
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
        raw, corrected = run.rate(), run.rate(self._yardstick.reference_per_s)
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
            "noise": self._noise(run),
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
            yield summarise(samples, place, self._noise(run), drift(probes, self._yardstick.reference_per_s))

    def _noise(self, run: Run) -> Noise:
        return run.noise.read(float(np.median(run.probes_per_s)), self._yardstick.probe)
