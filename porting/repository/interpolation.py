"""Figures over the places where they were measured: tables of a profile, interpolated between, never beyond."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeVar

from porting.repository.schema import Figure
from profiler.common.errors import BadInputError
from profiler.common.parse import shown
from profiler.records.base import Point
from profiler.records.capacity import Capacity
from profiler.records.latency import LatencyPoint
from profiler.records.memory import MemoryPoint
from profiler.records.profile import IN_PROCESS, Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference

P = TypeVar("P", bound=Point)
BATCH_AXES = ("batch", "cores", "instances")
Coordinates = tuple[float, ...]
Table = Mapping[Coordinates, Figure]


@dataclass(frozen=True)
class Reading:
    """A looked-up figure with its 95 % interval, `None` where it has none; `at` holds its coordinates and runtime."""

    value: float
    low: float | None
    high: float | None
    unit: str
    kind: Literal["measured", "predicted"]
    at: Mapping[str, Any]

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" [{self.low:.4g}, {self.high:.4g}]"
        return f"{self.value:.4g}{interval} {self.unit}, {self.kind}"


class OutsideError(Exception):
    """The coordinates lie outside of a table; the text lists the measured ones."""


@dataclass(frozen=True)
class Lookup:
    """The figures of one kind over their axes, one table for each measured runtime, the target's own first.

    `usual` holds the default values of axes.
    """

    what: str
    unit: str
    axes: tuple[str, ...]
    usual: Mapping[str, float]
    tables: Mapping[str, Table]

    def at(self, **where: float) -> Reading:
        """The figure at some coordinates, linear between its measured neighbours on every axis.

        Raises `BadInputError` for an unknown axis, for a missing one, and outside of the measured range.
        """
        unknown = [name for name in where if name not in self.axes]
        wanted = {**self.usual, **where}
        missing = [name for name in self.axes if name not in wanted]
        if unknown or missing:
            raise BadInputError(
                f"{self.what} is looked up by {', '.join(self.axes)}: "
                + "; ".join([*(f"{name} is none of them" for name in unknown), *(f"give {name}" for name in missing)])
            )
        reasons = []
        for runtime, table in self.tables.items():
            try:
                figure, measured = interpolated(self.axes, table.items(), wanted)
            except OutsideError as error:
                reasons.append(f"{error} (runtime {shown(runtime)})")
                continue
            kind: Literal["measured", "predicted"] = "measured" if measured else "predicted"
            return Reading(*figure, self.unit, kind, {name: wanted[name] for name in self.axes} | {"runtime": runtime})
        raise BadInputError(f"{self.what}: {'; '.join(reasons) or 'nothing was measured: profile=full does'}")

    def __repr__(self) -> str:
        points = sum(len(table) for table in self.tables.values())
        return f"Lookup({self.what} in {self.unit} by {', '.join(self.axes)}; {points} points)"


def interpolated(
    axes: tuple[str, ...], points: Iterable[tuple[Coordinates, Figure]], wanted: Mapping[str, float]
) -> tuple[Figure, bool]:
    """The figure at `wanted`, and whether it is a measured point; raises `OutsideError` outside of the points."""
    found = list(points)
    if not axes:
        return found[0][1], True
    by_value: dict[float, list[tuple[Coordinates, Figure]]] = {}
    for place, figure in found:
        by_value.setdefault(place[0], []).append((place[1:], figure))
    x, values = wanted[axes[0]], sorted(by_value)
    if x in by_value:
        return interpolated(axes[1:], by_value[x], wanted)
    for a, b in pairwise(values):
        if a < x < b:
            below, _ = interpolated(axes[1:], by_value[a], wanted)
            above, _ = interpolated(axes[1:], by_value[b], wanted)
            return between(below, above, (x - a) / (b - a)), False
    listed = ", ".join(f"{value:g}" for value in values)
    raise OutsideError(f"{axes[0]}={x:g} is outside of what was measured, {listed}")


def between(a: Figure, b: Figure, share: float) -> Figure:
    """The figure at a share of the way from `a` to `b`, without an interval where one of them has none."""

    def mixed(one: float | None, other: float | None) -> float | None:
        return None if one is None or other is None else one + share * (other - one)

    return a[0] + share * (b[0] - a[0]), mixed(a[1], b[1]), mixed(a[2], b[2])


def lookup(
    profile: Profile,
    points: Iterable[P],
    what: str,
    unit: str,
    axes: tuple[str, ...],
    figure: Callable[[P], Figure | None],
) -> Lookup:
    """The points by runtime and coordinates; of points at the same ones, those on the target's own threads count."""
    own = profile.target.resources
    usual = {"cores": float(own.cores), "instances": float(own.instances)}
    tables: dict[str, dict[Coordinates, Figure]] = {profile.target.runtime: {}}
    for point in sorted(points, key=lambda one: one.threads != own.threads):
        value = figure(point)
        if value is not None:
            place = tuple(float(getattr(point, axis)) for axis in axes)
            tables.setdefault(point.runtime, {}).setdefault(place, value)
    found = {runtime: table for runtime, table in tables.items() if table}
    return Lookup(what, unit, axes, {name: usual[name] for name in axes if name in usual}, found)


def latency(profile: Profile) -> Lookup:
    """The median latency of one batch at a time that a client sees, by batch, cores and instances."""
    return latencies(profile, "median latency", profile.target.runtime, median)


def compute_latency(profile: Profile) -> Lookup:
    """The median latency of the computation alone, in the profiler's own process, by batch, cores and instances."""
    return latencies(profile, "median latency of the computation alone", IN_PROCESS, median)


def p99(profile: Profile) -> Lookup:
    """The 99th percentile of the latency that a client sees, by batch, cores and instances."""

    def figure(point: LatencyPoint) -> Figure | None:
        return None if point.p99_ms is None else (point.p99_ms, point.p99_low_ms, point.p99_high_ms)

    return latencies(profile, "99th percentile of the latency", profile.target.runtime, figure)


def median(point: LatencyPoint) -> Figure | None:
    """The median of a latency with its interval."""
    return None if point.p50_ms is None else (point.p50_ms, point.p50_low_ms, point.p50_high_ms)


def latencies(profile: Profile, what: str, runtime: str, figure: Callable[[LatencyPoint], Figure | None]) -> Lookup:
    """A latency of one batch at a time on one runtime, for the input size that was measured first."""
    alone = [point for point in profile.latency if (point.runtime, point.concurrency) == (runtime, 1)]
    same = [point for point in alone if point.input_shape == alone[0].input_shape]
    return lookup(profile, same, what, "ms", BATCH_AXES, figure)


def throughput(profile: Profile) -> Lookup:
    """The maximal throughput, as delivered, by batch, cores and instances."""

    def figure(point: MaximalThroughput) -> Figure:
        return point.images_per_s, point.low_images_per_s, point.high_images_per_s

    return lookup(profile, profile.max_throughput, "maximal throughput", "images/s", BATCH_AXES, figure)


def capacity(profile: Profile) -> Lookup:
    """The highest Poisson rate within a deadline, as offered, at the profile's own quantile."""

    def figure(point: Capacity) -> Figure | None:
        rate = point.requests_per_s
        return None if rate is None else (rate, point.low_requests_per_s, point.high_requests_per_s)

    axes = ("deadline_ms", "cores", "instances")
    return lookup(profile, profile.capacity, "capacity under a deadline", "requests/s", axes, figure)


def memory(profile: Profile) -> Lookup:
    """The peak memory of the serving processes by batch."""

    def figure(point: MemoryPoint) -> Figure | None:
        return None if point.peak_bytes is None else (float(point.peak_bytes), None, None)

    served = [point for point in profile.memory if point.source == "served processes"]
    return lookup(profile, served, "peak memory", "bytes", BATCH_AXES, figure)


def first_inference(profile: Profile) -> Lookup:
    """The time of the first answer after a fresh load, by batch."""

    def figure(point: FirstInference) -> Figure:
        return point.first_ms, None, None

    return lookup(profile, profile.first_inference, "first inference", "ms", BATCH_AXES, figure)
