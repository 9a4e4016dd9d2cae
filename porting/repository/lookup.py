"""Looking a figure up in a measured table: as measured where it was, interpolated between, never beyond."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from porting.repository.schema import Figure
from profiler.common.errors import BadInputError

Place = tuple[float, ...]
Table = Mapping[Place, Figure]


@dataclass(frozen=True)
class Reading:
    """A looked-up figure with its 95 % interval (`None` where it has none); `at` says for what and where it is."""

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
    """No table reaches there; the text says what there is."""


@dataclass(frozen=True)
class Lookup:
    """The figures of one kind over their axes, one table for each runtime that was measured, the target's own first.

    `usual` holds the values of the axes that a look-up need not name.
    """

    what: str
    unit: str
    axes: tuple[str, ...]
    usual: Mapping[str, float]
    tables: Mapping[str, Table]

    def at(self, **where: float) -> Reading:
        """The figure there, linear between its measured neighbours on every axis.

        Raises `BadInputError` for an unknown axis, for one that must be named and is not, and outside of what was
        measured.
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
                reasons.append(f"{error} (runtime {runtime})")
                continue
            kind: Literal["measured", "predicted"] = "measured" if measured else "predicted"
            return Reading(*figure, self.unit, kind, {name: wanted[name] for name in self.axes} | {"runtime": runtime})
        raise BadInputError(f"{self.what}: {'; '.join(reasons) or 'nothing was measured: profile=full does'}")

    def __repr__(self) -> str:
        points = sum(len(table) for table in self.tables.values())
        return f"Lookup({self.what} in {self.unit} by {', '.join(self.axes)}; {points} points)"


def interpolated(
    axes: tuple[str, ...], points: Iterable[tuple[Place, Figure]], wanted: Mapping[str, float]
) -> tuple[Figure, bool]:
    """The figure at `wanted`, and whether it is a measured point; raises `OutsideError` where points are missing."""
    found = list(points)
    if not axes:
        return found[0][1], True
    by_value: dict[float, list[tuple[Place, Figure]]] = {}
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
    """The figure at a share of the way from `a` to `b`; without an interval where one of them has none."""

    def mixed(one: float | None, other: float | None) -> float | None:
        return None if one is None or other is None else one + share * (other - one)

    return a[0] + share * (b[0] - a[0]), mixed(a[1], b[1]), mixed(a[2], b[2])
