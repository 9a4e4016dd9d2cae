"""The variants of a simulation, from the metadata alone: service times, start-up time and contention.

A batch occupies a server for its median latency, or for its size over the maximal throughput where that is longer, as
a latency measured inside a process lacks the overhead of the server. Service times have a log-normal distribution with
the spread of the measured percentiles. A new server answers its warm-up requests (one of batch 1 and one of its
largest batch, as in the published configurations) before any other: the slower first inferences lengthen its start-up,
and no client waits for them. A server with dynamic batching joins the requests that wait. Its queue delay is not
simulated: a delay counts where few requests come, and there the deadline has room for it.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Protocol

import numpy as np

from orchestrators.family import MS_PER_S, family
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import Contention

PERCENTILES = {"p99_ms": 0.99, "p95_ms": 0.95, "p90_ms": 0.9}
# The cores that a load uses where that was not measured: one thread.
USUAL_LOADING_CORES = 1.0


class Variant(Protocol):
    """The figures of a variant that the simulation needs."""

    @property
    def accuracy(self) -> float:
        """The validation accuracy, 0 to 1."""

    @property
    def spread(self) -> float:
        """The standard deviation of the logarithm of a batch's time."""

    @property
    def loading_cores(self) -> float:
        """The cores that a load uses while it lasts."""

    def joined(self, batch: int, cores: float, /) -> int:
        """The largest batch that a server forms where a plan has this one: dynamic batching may join more requests."""

    def service_s(self, batch: int, cores: float) -> Sequence[float]:
        """The median time in s of batches of 0, 1 … `batch` requests."""

    def up_s(self, batch: int) -> float:
        """The time in s from the load call until it answers at its usual speed."""

    def kept(self, share: float) -> float:
        """The share of its speed that it keeps while others use this share of the same cores."""


# The variants by task and name.
Catalogue = Mapping[tuple[str, str], Variant]


def catalogue(repository: Repository, tasks: Sequence[str], target: str) -> dict[tuple[str, str], Variant]:
    """The frontier of every task on a target; raises `BadInputError` for an unknown task or target."""
    return {(task, one.name): MeasuredVariant(one) for task in tasks for one in family(repository, task, target)}


class MeasuredVariant:
    """A published variant; raises `BadInputError` when a figure is used that was not measured."""

    def __init__(self, one: VariantOnTarget) -> None:
        self._one = one
        self.accuracy = one.accuracy().value
        self.spread = spread(one)
        self.loading_cores = loading_cores(one)
        self._kept: list[tuple[float, float]] = []
        self._services: dict[tuple[int, float], list[float]] = {}

    def joined(self, batch: int, cores: float) -> int:
        """See `Variant`; dynamic batching counts where latencies were measured up to its largest batch."""
        return max(batch, self._one.joined_batch(cores))

    def service_s(self, batch: int, cores: float) -> Sequence[float]:
        """See `Variant`."""
        if (batch, cores) not in self._services:
            self._services[batch, cores] = service_s(self._one, batch, cores)
        return self._services[batch, cores]

    def up_s(self, batch: int) -> float:
        """See `Variant`: the load, and the warm-up requests of batch 1 and of the largest batch."""
        return self._one.load_s() + sum(self._one.first_inference_s(size) for size in {1, batch})

    def kept(self, share: float) -> float:
        """See `Variant`: linear between the measured shares, and extrapolated beyond the last one."""
        if not self._kept:
            points = self._one.profile.own(self._one.profile.contention)
            self._one.needed(points or None, "contention factor", Contention)
            self._kept = sorted({0.0: 1.0, **{point.share: point.factor for point in points}}.items())
        below, above = next(
            (pair for pair in pairwise(self._kept) if share <= pair[1][0]), (self._kept[-2], self._kept[-1])
        )
        slope = (above[1] - below[1]) / (above[0] - below[0])
        return max(0.0, below[1] + slope * (share - below[0]))


def service_s(one: VariantOnTarget, batch: int, cores: float) -> list[float]:
    """The median time in s by batch size from 0 on, linear between the measured sizes."""
    sizes = one.batches(cores)
    if not sizes or batch > sizes[-1]:
        one.latency_ms(batch, cores)  # raises the error for the missing figure
    wanted = np.arange(1, batch + 1)
    alone_ms = np.interp(wanted, sizes, [one.latency_ms(size, cores) for size in sizes])
    rates = {size: rate for size in sizes if (rate := throughput(one, size, cores)) is not None}
    served_ms = np.array([MS_PER_S * size / rate for size, rate in rates.items()])
    if len(served_ms):
        alone_ms = np.maximum(alone_ms, np.interp(wanted, list(rates), served_ms, left=0, right=0))
    return [0.0, *(alone_ms / MS_PER_S).tolist()]


def throughput(one: VariantOnTarget, batch: int, cores: float) -> float | None:
    """The maximal throughput of this batch size in images/s; `None` where it was not measured."""
    try:
        return one.images_per_s(batch, cores)
    except BadInputError:
        return None


def spread(one: VariantOnTarget) -> float:
    """The spread of a log-normal distribution through the median and the highest known percentile; 0 without one."""
    point = one.needed(one.profile.latency_at(1), "latency", LatencyPoint)
    measured = ((getattr(point, name), quantile) for name, quantile in PERCENTILES.items())
    high_ms, quantile = next(((value, quantile) for value, quantile in measured if value), (None, 0.5))
    if high_ms is None or point.p50_ms is None:
        return 0.0
    return max(0.0, math.log(high_ms / point.p50_ms) / NormalDist().inv_cdf(quantile))


def loading_cores(one: VariantOnTarget) -> float:
    """The additional cores that the server used during a load under traffic."""
    for point in one.profile.own(one.profile.switch):
        if point.server_cores_during is not None and point.server_cores_before is not None:
            return max(0.0, point.server_cores_during - point.server_cores_before)
    return USUAL_LOADING_CORES
