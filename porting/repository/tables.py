"""A profile's points as tables to look figures up in."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from porting.repository.lookup import Lookup
from porting.repository.schema import Figure
from profiler.records.base import Point
from profiler.records.capacity import Capacity
from profiler.records.latency import LatencyPoint
from profiler.records.memory import MemoryPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference

P = TypeVar("P", bound=Point)


def lookup(
    profile: Profile,
    points: Iterable[P],
    what: str,
    unit: str,
    axes: tuple[str, ...],
    figure: Callable[[P], Figure | None],
) -> Lookup:
    """The points by runtime and place; of points that differ in nothing else, those on the own resources count."""
    own = profile.target.resources
    usual = {"cores": float(own.cores), "instances": float(own.instances)}
    tables: dict[str, dict[tuple[float, ...], Figure]] = {}
    for point in sorted(points, key=lambda one: one.threads != own.threads):
        value = figure(point)
        if value is not None:
            place = tuple(float(getattr(point, axis)) for axis in axes)
            tables.setdefault(point.runtime, {}).setdefault(place, value)
    return Lookup(what, unit, axes, {name: usual[name] for name in axes if name in usual}, tables)


def latency(profile: Profile) -> Lookup:
    """Median latency of one batch at a time, drift divided out, by batch, cores and instances."""

    def figure(point: LatencyPoint) -> Figure | None:
        middle = point.corrected_p50_ms
        return None if middle is None else (middle, point.corrected_p50_low_ms, point.corrected_p50_high_ms)

    return latencies(profile, "median latency", figure)


def p99(profile: Profile) -> Lookup:
    """99th percentile of the latency of one batch at a time, by batch, cores and instances."""

    def figure(point: LatencyPoint) -> Figure | None:
        return None if point.p99_ms is None else (point.p99_ms, None, None)

    return latencies(profile, "99th percentile of the latency", figure)


def latencies(profile: Profile, what: str, figure: Callable[[LatencyPoint], Figure | None]) -> Lookup:
    """Of one batch at a time, for inputs of the size that was measured first."""
    alone = [point for point in profile.latency if point.concurrency == 1]
    same = [point for point in alone if point.input_shape == alone[0].input_shape]
    return lookup(profile, same, what, "ms", ("batch", "cores", "instances"), figure)


def throughput(profile: Profile) -> Lookup:
    """Maximal throughput, drift divided out, by batch, cores and instances."""

    def figure(point: MaximalThroughput) -> Figure:
        return point.corrected_images_per_s, point.corrected_low_images_per_s, point.corrected_high_images_per_s

    axes = ("batch", "cores", "instances")
    return lookup(profile, profile.max_throughput, "maximal throughput", "images/s", axes, figure)


def capacity(profile: Profile) -> Lookup:
    """Highest Poisson rate in time, drift divided out, by deadline and cores; the quantile is the profile's own."""

    def figure(point: Capacity) -> Figure | None:
        rate = point.corrected_requests_per_s
        return None if rate is None else (rate, point.corrected_low_requests_per_s, point.corrected_high_requests_per_s)

    axes = ("deadline_ms", "cores", "instances")
    return lookup(profile, profile.capacity, "capacity under a deadline", "requests/s", axes, figure)


def memory(profile: Profile) -> Lookup:
    """Peak memory of the served processes by batch."""

    def figure(point: MemoryPoint) -> Figure | None:
        return None if point.peak_bytes is None else (float(point.peak_bytes), None, None)

    served = [point for point in profile.memory if point.source == "served processes"]
    return lookup(profile, served, "peak memory", "bytes", ("batch", "cores", "instances"), figure)


def first_inference(profile: Profile) -> Lookup:
    """The first answer after a fresh load by batch."""

    def figure(point: FirstInference) -> Figure:
        return point.first_ms, None, None

    axes = ("batch", "cores", "instances")
    return lookup(profile, profile.first_inference, "first inference", "ms", axes, figure)
