"""The slices of one point of throughput, and the rates that they show."""

from dataclasses import dataclass

import numpy as np

from profiler.analysis.statistics import RatioInterval, ratio_interval
from profiler.load_generator.closed_loop import LoadSlice
from profiler.records.throughput import Blocks
from profiler.system.energy import EnergyMeter
from profiler.target.disturbance import Disturbance

# How far the drift of a model wanders off that of the reference from one stretch of ten seconds to the next, relative:
# more than the slices of one stretch show. Taken from the repeats of scripts/benchmark_profiler.py.
UNFOLLOWED_SD = 0.01


@dataclass
class Run:
    """All slices of one point, each with the reference's rate around it; figures are of those that count.

    `server_answers` and `server_cpu_s` are of all slices. `drift_sd_share` is how much the machine's speed varies
    between moments that lie apart.
    """

    batch: int
    concurrency: int
    energy: EnergyMeter
    slices: list[LoadSlice]
    references_per_s: list[float]
    seen: Disturbance
    drift_sd_share: float
    server_answers: int | None = None
    server_cpu_s: float | None = None

    @property
    def answers(self) -> int:
        """Inputs answered in all slices."""
        return sum(one.requests for one in self.slices) * self.batch

    def blocks(self, most: int | None = None) -> Blocks:
        """The slices that count: each one, or in `most` blocks of neighbours."""
        pairs = [(self.slices[one], self.references_per_s[one]) for one in self.seen.counting]
        rows = np.array([(one.counted * self.batch, one.seconds, one.seconds * per_s) for one, per_s in pairs])
        groups = np.array_split(rows, min(most or len(rows), len(rows)))
        counted, seconds, references = np.array([group.sum(axis=0) for group in groups]).T.tolist()
        return Blocks(counted=tuple(counted), seconds=tuple(seconds), references=tuple(references))

    def latencies(self) -> tuple[list[float], list[float]]:
        """The latency (ms) of each request in the slices that count, and the reference's rate beside it."""
        found = [(self.slices[one].latencies_s, self.references_per_s[one]) for one in self.seen.counting]
        samples = [value * 1e3 for latencies_s, _ in found for value in latencies_s]
        return samples, [per_s for latencies_s, per_s in found for _ in latencies_s]


def maximal(blocks: Blocks, drift_sd_share: float, searched_relative: float) -> tuple[RatioInterval, RatioInterval]:
    """Both rates of a maximum, whose search found `searched_relative` at another concurrency."""
    raw, relative = images_per_s(blocks, drift_sd_share), relative_throughput(blocks)
    return raw.reaching(raw.ratio * searched_relative / relative.ratio), relative.reaching(searched_relative)


def images_per_s(blocks: Blocks, drift_sd_share: float) -> RatioInterval:
    """The images per second as delivered; the interval contains the machine's drift between moments."""
    return ratio_interval(blocks.counted, blocks.seconds, drift_sd_share)


def relative_throughput(blocks: Blocks) -> RatioInterval:
    """The images for each inference of the reference in the same moments, where drift meets both alike."""
    return ratio_interval(blocks.counted, blocks.references, UNFOLLOWED_SD)
