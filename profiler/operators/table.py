"""What an operator costs at every width that was measured, and which widths are worth having."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from profiler.errors import BadInputError
from profiler.operators.operator import Operator, OperatorPoint, Place, Precision
from profiler.records.base import Value
from profiler.records.fingerprint import Fingerprint

# A wider operator that takes at most this much longer is as good as equally quick.
SAME = 0.03


class OperatorTable(Value):
    """Kernel times of one machine for one batch and precision, in µs.

    `block` is how many channels lie side by side (`profiler.operators.layout`).
    """

    schema_version: Literal[1] = 1
    fingerprint: Fingerprint
    batch: int = Field(ge=1)
    precision: Precision
    block: int = Field(ge=1)
    points: tuple[OperatorPoint, ...]

    @model_validator(mode="after")
    def each_once(self) -> Self:
        if len({point.place for point in self.points}) != len(self.points):
            raise ValueError("an operator was measured twice at the same widths")
        return self

    def with_passes(self, points: Iterable[OperatorPoint]) -> Self:
        """With more passes over these places, or their first ones."""
        found = {point.place: point for point in self.points}
        for point in points:
            known = found.get(point.place)
            found[point.place] = known.with_pass(point) if known else point
        return self.model_copy(update={"points": tuple(found.values())})


class OperatorTimes:
    """Looks times up in a table."""

    def __init__(self, table: OperatorTable) -> None:
        self.table = table
        self.by_place: dict[Place, OperatorPoint] = {}
        self._widths: dict[Operator, tuple[list[int], list[int]]] = {}
        for point in sorted(table.points, key=lambda one: (one.in_channels, one.out_channels)):
            self.by_place[point.place] = point
            known = self._widths.setdefault(point.operator, ([], []))
            for widths, width in zip(known, (point.in_channels, point.out_channels), strict=True):
                if width not in widths:
                    insort(widths, width)

    def us(self, operator: Operator, in_channels: int, out_channels: int) -> float:
        """The time at these widths, or at the next wider ones that were measured.

        Where one is no whole number of blocks it includes the changes of layout, which a network cannot avoid then.
        Raises `BadInputError` for an operator that was not measured, or not as wide.
        """
        if operator not in self._widths:
            raise BadInputError(f"the table has no {operator}: measure it again")
        wide = [next_wider(known, asked, operator) for known, asked in
                zip(self._widths[operator], (in_channels, out_channels), strict=True)]  # fmt: skip
        point = self.by_place[operator, wide[0], wide[1]]
        blocked = in_channels % self.table.block == out_channels % self.table.block == 0
        return point.us if blocked or operator.kind == "linear" else point.us + point.layout_us


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
