"""Closed loops of an earlier profile, measured again in several visits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profiler.analysis.statistics import RatioInterval
from profiler.measure.latency.point import UNFOLLOWED_SD
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.run import Run, images_per_s, relative_throughput
from profiler.measure.visits.part import FEWEST_SLICES, Visited
from profiler.measure.visits.pooled import middle
from profiler.target.model_under_test import ModelUnderTest


@dataclass(frozen=True)
class Again:
    """The rates and the median latencies (ms, and in inferences of the reference) of one loop over all visits.

    A latency is `None` where the load generator tells none of a single request.
    """

    images_per_s: RatioInterval
    relative_throughput: RatioInterval
    p50_ms: RatioInterval | None
    relative_p50: RatioInterval | None


def measured_again(
    model: ModelUnderTest, loops: Sequence[Visited], visits: int, seconds: float
) -> dict[Visited, Again | None]:
    """Each loop in every visit, which begins with a load; `None` for a loop that was disturbed in every visit."""
    runs: dict[Visited, list[Run]] = {loop: [] for loop in loops}
    for _ in range(visits):
        model.load(model.own)
        for loop in loops:
            run = ThroughputMeter(model, model.own).run(loop.batch, loop.concurrency, seconds, FEWEST_SLICES)
            runs[loop] += [] if run.seen.noise.disturbed else [run]
    return {loop: together(found) if found else None for loop, found in runs.items()}


def together(runs: Sequence[Run]) -> Again:
    """The figures of all runs of one loop."""
    drift_sd_share = runs[-1].drift_sd_share
    blocks = sum((run.blocks() for run in runs[1:]), runs[0].blocks())
    latencies = [run.latencies() for run in runs]
    known = [(np.array(samples), np.array(rates)) for samples, rates in latencies if samples]
    return Again(
        images_per_s(blocks, drift_sd_share),
        relative_throughput(blocks),
        middle([float(np.median(samples)) for samples, _ in known], drift_sd_share) if known else None,
        middle([float(np.median(samples / 1e3 * rates)) for samples, rates in known], UNFOLLOWED_SD) if known else None,
    )
