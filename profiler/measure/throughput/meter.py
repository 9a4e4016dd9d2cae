"""Slices of load between slices of the reference: throughput as delivered, and relative to the reference."""

import time
from collections.abc import Iterator

import numpy as np

from profiler.analysis.statistics import FEWEST_BLOCKS
from profiler.common.target import Resources
from profiler.load_generator.closed_loop import SLICE_S, ClosedLoop, LoadSlice, Loop
from profiler.load_generator.perf_analyzer import PerfAnalyzer, PerfAnalyzerLoop, find_perf_analyzer
from profiler.measure.counts import check_counts, count_since
from profiler.measure.latency.point import latency_point
from profiler.measure.throughput.point import maximal_throughput, throughput_point
from profiler.measure.throughput.run import Run
from profiler.records.base import Point, total
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.runtimes.served import Served
from profiler.runtimes.session import open_session
from profiler.system.energy import EnergyMeter
from profiler.target.model_under_test import ModelUnderTest

# A quota of a part of a core comes anew every 100 ms: a slice must hold many of those periods.
QUOTA_SLICE_S = 1.0
# A load generator that has more cores than these finds a free one beside other processes.
FEW_CORES = 2


class ThroughputMeter:
    """Measures a model with the given resources; the raw slices go to its samples."""

    def __init__(self, model: ModelUnderTest, resources: Resources) -> None:
        self._model, self._resources = model, resources
        self._reference = model.reference(resources)

    def run(self, batch: int, concurrency: int, seconds: float, fewest: int = FEWEST_BLOCKS) -> Run:
        """Load and reference in turns, for `seconds` and at least the `fewest` undisturbed slices, within limits.

        Raises `ServerError` where server and client count differently.
        """
        model = self._model
        served = model.serve(self._resources)
        with model.driving(self._resources):
            loop = self._loop(served, batch, concurrency)
            loop.warm_up()
            slices, energy = list[LoadSlice](), EnergyMeter([model.target.gpu] if model.target.on_gpu else [])
            before = self._reference.rate_per_s(loop.slice_s)
            counted, used_s = served.answers_counted() if loop.counts_all else None, list[float | None]()
            watch = model.watch(self._reference, self._cores(), seconds, fewest)
            while watch.going_on():
                start, start_s = time.perf_counter(), model.cpu_seconds()
                with energy.counting():
                    slices.append(loop.run(loop.slice_s))
                used_s.append(model.cpu_seconds_since(start_s))
                after = self._reference.rate_per_s(slices[-1].wall_s)
                watch.slice((before + after) / 2, time.perf_counter() - start)
                before = after
            seen, drift_sd_share = watch.end(), self._reference.speeds.drift_sd()
            model.thrown_s += seen.thrown_s
            run = Run(batch, concurrency, energy, slices, watch.references_per_s, seen, drift_sd_share)
        run.server_answers = count_since(served, counted, run.answers)
        run.server_cpu_s = total(used_s)
        check_counts(run.server_answers, run.answers)
        return run

    def _cores(self) -> list[int]:
        """The cores of the server, and those of the load generator where they are so few that others hold it up."""
        served, client = self._model.cores(self._resources), self._model.prepared.client_cores
        return served if self._model.in_process or len(client) > FEW_CORES else sorted({*served, *client})

    def _loop(self, served: Served, batch: int, concurrency: int) -> Loop:
        model = self._model
        if model.target.load_generator == "built-in":
            slice_s = QUOTA_SLICE_S if self._resources.cores % 1 else SLICE_S
            return ClosedLoop(served, model.expectation, batch, concurrency, slice_s)
        images, address = model.expectation.images(batch), model.host.address or ""
        name = open_session(model.path, threads=1).get_inputs()[0].name
        analyzer = PerfAnalyzer(find_perf_analyzer(), address, model.name, name, images)
        return PerfAnalyzerLoop(analyzer, batch, concurrency)

    def point(self, run: Run) -> list[Point]:
        """A point of the sweep, and the latencies that its callers saw."""
        self.keep(run, "throughput")
        return [throughput_point(self._model, self._resources, run), *self.latency(run)]

    def maximum(self, run: Run, saturated: bool, searched_relative: float) -> list[Point]:
        """The maximum of a batch size, with what its search found (`maximal_throughput`)."""
        self.keep(run, "max_throughput")
        point = maximal_throughput(self._model, self._resources, run, saturated, searched_relative)
        return [point, *self.latency(run)]

    def keep(self, run: Run, figure: str) -> None:
        """Keeps the raw slices of a run among the samples, under the name of a figure."""
        resources = self._resources
        place = f"batch_{run.batch}_concurrency_{run.concurrency}_cores_{resources.cores:g}_x{resources.instances}"
        values = {
            "counted": [one.counted * run.batch for one in run.slices],
            "seconds": [one.seconds for one in run.slices],
            "reference_per_s": run.references_per_s,
            "counting": run.seen.counting,
            "latency_s": [value for one in run.slices for value in one.latencies_s],
        }
        for name, raw in values.items():
            self._model.samples[f"{figure}_{place}_{name}"] = np.array(raw)

    def latency(self, run: Run) -> Iterator[LatencyPoint]:
        """The latencies that the callers saw, where the load generator tells them one by one."""
        samples, rates_per_s = run.latencies()
        if samples:
            place = Place(self._model.runtime, self._resources, run.batch, run.concurrency, self._model.shapes[0])
            yield latency_point(place, samples, rates_per_s, run.seen.noise, run.drift_sd_share)
