"""Figures of a profile as tables over batch, cores and instances, with interpolation within the measured range."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from porting.repository.figures import (
    CAPACITY,
    MEDIAN,
    RATE,
    RELATIVE_MEDIAN,
    RELATIVE_RATE,
    TAIL,
    figure_of,
    served_memory,
)
from porting.repository.schema import Figure
from profiler.common.door import shown
from profiler.common.errors import BadInputError
from profiler.records.base import Point, Timed
from profiler.records.latency import LatencyPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput, ThroughputPoint

# The name of the warm-up predictor among the runtimes of a figure.
PREDICTOR = "warm-up predictor"
BATCH_AXES, PIXELS = ("batch", "cores", "instances"), "pixels"
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
    """The figures of one kind by runtime, the target's own first, and axes; `usual` has the default values of axes."""

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
            kind: Literal["measured", "predicted"] = "measured" if measured and runtime != PREDICTOR else "predicted"
            return Reading(*figure, self.unit, kind, {name: wanted[name] for name in self.axes} | {"runtime": runtime})
        raise BadInputError(f"{self.what}: {'; '.join(reasons) or 'nothing was measured: profile=full measures it'}")

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


@dataclass(frozen=True)
class Source:
    """The points of a profile that have a figure, and the fields of a point with it and its interval's ends.

    With `by_size` the pixels of an input are an axis too, where several sizes were measured. Batches of one size are
    interpolated first, and linear values between pixels are the published form over batch and pixels.
    """

    what: str
    unit: str
    axes: tuple[str, ...]
    points: Callable[[Profile], Iterable[Point]]
    fields: Sequence[str]
    by_size: bool = False


def lookup(profile: Profile, name: str) -> Lookup:
    """The interpolation table of a figure; of points at the same coordinates, those on the target's own threads count.

    Raises `BadInputError` for a figure without one.
    """
    if name not in SOURCES:
        raise BadInputError(f"{name!r} is no figure with places: choices are {', '.join(SOURCES)}")
    source, own = SOURCES[name], profile.target.resources
    usual = {"cores": float(own.cores), "instances": float(own.instances)}
    names, sizes = source.axes, [point.pixels for point in profile.latency]
    if source.by_size and len({*sizes}) > 1:
        names, usual = (PIXELS, *names), usual | {PIXELS: float(sizes[0])}
    tables: dict[str, dict[Coordinates, Figure]] = {}
    for point in sorted(source.points(profile), key=lambda one: one.threads != own.threads):
        value = figure_of(point, *source.fields)
        if value is not None:
            # A maximum has the first size, and no field for it.
            place = tuple(float(getattr(point, axis) if hasattr(point, axis) else usual[axis]) for axis in names)
            tables.setdefault(point.runtime, {}).setdefault(place, value)
    if name == "first_inference_ms":
        # It comes after the runtimes, so a measured figure counts, and one between measured figures too.
        tables |= predictions(profile)
    axes = {axis: usual[axis] for axis in names if axis in usual}
    return Lookup(source.what, source.unit, names, axes, tables)


def predictions(profile: Profile) -> dict[str, dict[Coordinates, Figure]]:
    """The table of the predicted first inferences and the measured ones around them; empty without predictions."""
    own = profile.target.resources
    times = {one.batch: one.first_ms for one in profile.own(profile.first_inference)}
    predicted = {one.batch: one.time_ms for one in profile.predicted if one.batch is not None}
    table: dict[Coordinates, Figure] = {
        (float(batch), float(own.cores), float(own.instances)): (time_ms, None, None)
        for batch, time_ms in (predicted | times).items()
    }
    return {PREDICTOR: table} if predicted else {}


def client_latencies(profile: Profile) -> list[LatencyPoint]:
    """The latencies of one request at a time that a client of the target sees, for the size that was measured first."""
    found = latencies(profile, profile.target.runtime)
    return [point for point in found if point.input_shape == found[0].input_shape]


def compute_latencies(profile: Profile) -> list[LatencyPoint]:
    """The latencies of the computation alone, in the profiler's own process, for every input size."""
    return latencies(profile, profile.target.computes_in)


def latencies(profile: Profile, runtime: str) -> list[LatencyPoint]:
    """The latencies of one request at a time on one runtime."""
    return [point for point in profile.latency if (point.runtime, point.concurrency) == (runtime, 1)]


def throughputs(profile: Profile) -> list[ThroughputPoint]:
    """The maxima, which have the input size that was measured first, and the throughputs of the other sizes."""
    sizes = [point.pixels for point in profile.latency]
    others = {*sizes} - {*sizes[:1]}
    return [*profile.max_throughput, *(point for point in profile.sizes if point.pixels in others)]


def undisturbed(points: Callable[[Profile], Iterable[Timed]]) -> Callable[[Profile], Iterable[Timed]]:
    """The points among these that compare with others."""
    return lambda profile: (point for point in points(profile) if not point.is_disturbed())


def maxima(profile: Profile) -> Iterable[MaximalThroughput]:
    """The maximal throughputs."""
    return profile.max_throughput


# The figures of the index that have a table over coordinates such as the batch size.
SOURCES = {
    "p50_ms": Source("median latency", "ms", BATCH_AXES, client_latencies, MEDIAN),
    "compute_p50_ms": Source("median latency of the computation", "ms", BATCH_AXES, compute_latencies, MEDIAN, True),
    "p99_ms": Source("99th percentile of the latency", "ms", BATCH_AXES, client_latencies, TAIL),
    "images_per_s": Source("maximal throughput", "images/s", BATCH_AXES, throughputs, RATE, True),
    "relative_throughput": Source("relative throughput", "1", BATCH_AXES, undisturbed(maxima), RELATIVE_RATE),
    "relative_p50": Source("relative latency", "1", BATCH_AXES, undisturbed(client_latencies), RELATIVE_MEDIAN),
    "capacity_requests_per_s": Source(
        "capacity under a deadline", "requests/s", ("deadline_ms", "cores", "instances"),
        lambda one: one.capacity, CAPACITY,
    ),
    "peak_bytes": Source("peak memory", "bytes", BATCH_AXES, lambda one: served_memory(one.memory), ["peak_bytes"]),
    "first_inference_ms": Source("first inference", "ms", BATCH_AXES, lambda one: one.first_inference, ["first_ms"]),
}  # fmt: skip
