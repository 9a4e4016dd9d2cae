"""What an operator costs at every width that was measured, and which widths are worth having."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from profiler.errors import BadInputError
from profiler.operators.operator import Operator, OperatorPoint, Place, Precision
from profiler.records.base import Value
from profiler.records.fingerprint import Fingerprint

# A wider operator that takes at most this much longer is as good as equally quick.
SAME = 0.02


class OperatorTable(Value):
    """Kernel times of one machine for one batch and precision, in µs.

    `probe_per_s` is the usual speed of the machine that they were brought to (`profiler.load_generator.probe`).
    """

    schema_version: Literal[1] = 1
    fingerprint: Fingerprint
    batch: int = Field(ge=1)
    precision: Precision
    probe_per_s: float = Field(gt=0)
    points: tuple[OperatorPoint, ...]

    @model_validator(mode="after")
    def each_once(self) -> Self:
        places = [(point.operator, point.in_channels, point.out_channels) for point in self.points]
        if len(set(places)) != len(places):
            raise ValueError("an operator was measured twice at the same widths")
        return self

    def with_points(self, points: Sequence[OperatorPoint]) -> Self:
        return self.model_copy(update={"points": (*self.points, *points)})


class OperatorTimes:
    """Looks times up in a table."""

    def __init__(self, table: OperatorTable) -> None:
        self.table = table
        self.by_place: dict[Place, float] = {}
        self._widths: dict[Operator, tuple[list[int], list[int]]] = {}
        for point in sorted(table.points, key=lambda one: (one.in_channels, one.out_channels)):
            self.by_place[point.operator, point.in_channels, point.out_channels] = point.us
            known = self._widths.setdefault(point.operator, ([], []))
            for widths, width in zip(known, (point.in_channels, point.out_channels), strict=True):
                if width not in widths:
                    insort(widths, width)

    def us(self, operator: Operator, in_channels: int, out_channels: int) -> float:
        """The time at these widths, or at the next wider ones that were measured.

        Raises `BadInputError` for an operator that was not measured, or not as wide.
        """
        if operator not in self._widths:
            raise BadInputError(f"the table has no {operator}: measure it again")
        wide = [next_wider(known, asked, operator) for known, asked in
                zip(self._widths[operator], (in_channels, out_channels), strict=True)]  # fmt: skip
        return self.by_place[operator, wide[0], wide[1]]


def next_wider(known: Sequence[int], asked: int, operator: Operator) -> int:
    """The least of the measured widths that is at least what is asked."""
    place = bisect_left(known, asked)
    if place == len(known):
        raise BadInputError(f"{operator} was measured up to {known[-1]} channels, not {asked}: measure it again")
    return known[place]


def efficient(times: Sequence[tuple[int, float]]) -> list[int]:
    """Of widths with their times those at a plateau's edge: every wider one takes surely longer."""
    found: list[int] = []
    cheapest = float("inf")
    for width, us in sorted(times, reverse=True):
        if us < cheapest * (1 - SAME):
            found.append(width)
            cheapest = us
    return found[::-1]
