"""The table of operators' times at their measured widths, and the choice of efficient widths."""

from collections.abc import Iterable, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from profiler.common.errors import BadInputError
from profiler.operators.operator import Operator, OperatorPoint, Place, Precision
from profiler.records.base import Value
from profiler.records.complexity import Fingerprint

# A wider operator that takes at most this share longer counts as equally fast.
SAME = 0.03


class OperatorTable(Value):
    """The kernel times of one machine for one batch and precision, in µs; `block` is that of the layout in channels."""

    schema_version: Literal[2] = 2
    fingerprint: Fingerprint
    batch: int = Field(ge=1)
    precision: Precision
    block: int = Field(ge=1)
    points: tuple[OperatorPoint, ...]

    @model_validator(mode="after")
    def each_once(self) -> Self:
        """The table itself; raises `ValueError` where a place occurs twice."""
        if len({point.place for point in self.points}) != len(self.points):
            raise ValueError("an operator was measured twice at the same widths")
        return self

    def with_passes(self, points: Iterable[OperatorPoint]) -> Self:
        """The table with these passes added."""
        found = {point.place: point for point in self.points}
        for point in points:
            known = found.get(point.place)
            found[point.place] = known.with_pass(point) if known else point
        return self.model_copy(update={"points": tuple(found.values())})


class OperatorTimes:
    """The times of a table, by operator and widths."""

    def __init__(self, table: OperatorTable) -> None:
        self.table = table
        self._points: dict[Operator, list[OperatorPoint]] = {}
        for point in table.points:
            self._points.setdefault(point.operator, []).append(point)
        self._found: dict[Place, float] = {}

    def us(self, operator: Operator, in_channels: int, out_channels: int) -> float:
        """The time at these widths, or the least measured time at widths that are at least as large.

        It includes the changes of layout where a width is no multiple of the block. Raises `BadInputError` for an
        operator or widths that were not measured.
        """
        place = operator, in_channels, out_channels
        if place not in self._found:
            self._found[place] = self._look_up(place)
        return self._found[place]

    def _look_up(self, place: Place) -> float:
        operator, before, after = place
        if operator not in self._points:
            raise BadInputError(f"the table has no {operator}: measure it again")
        wide = [one for one in self._points[operator] if one.in_channels >= before and one.out_channels >= after]
        if not wide:
            raise BadInputError(f"{operator} was not measured up to {before} and {after} channels: measure it again")
        exact = [one for one in wide if one.place == place]
        blocked = before % self.table.block == after % self.table.block == 0
        layout = 0 if blocked or operator.kind == "linear" else 1
        return min(one.us + layout * one.layout_us for one in exact or wide)


def efficient(times: Sequence[tuple[int, float]]) -> list[int]:
    """The widths at the end of a plateau: every wider one takes clearly longer."""
    found: list[int] = []
    cheapest = float("inf")
    for width, us in sorted(times, reverse=True):
        if us < cheapest * (1 - SAME):
            found.append(width)
            cheapest = us
    return found[::-1]
