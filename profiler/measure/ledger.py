"""What has been measured so far: points by kind and place, and what is missing."""

from collections.abc import Iterable
from typing import TypeVar

from profiler.common.target import Resources
from profiler.measure.measurement import Measurement
from profiler.records.base import Missing, Point
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput

P = TypeVar("P", bound=Point)


class Ledger:
    """Points that earlier runs or this one finished; each place of a kind is there once."""

    def __init__(self, points: Iterable[Point], missing: Iterable[Missing]) -> None:
        self.points = list(points)
        self.missing = list(missing)
        self._outdated: list[Point] = []

    def of(self, kind: type[P]) -> list[P]:
        """The points of exactly this kind, in the order of their making."""
        return [point for point in self.points if type(point) is kind]

    def at(self, kind: type[P], place: Place) -> P | None:
        """The point of this kind at a place, also where it is outdated."""
        return next((point for point in self.of(kind) if point.place == place), None)

    def own_maximum(self, own: Resources) -> MaximalThroughput | None:
        """The maximal throughput over all batches on a target's own resources."""
        points = [point for point in self.of(MaximalThroughput) if point.resources == own]
        return max(points, key=lambda point: point.relative_throughput, default=None)

    def find(self, measurement: Measurement) -> Point | None:
        """The finished point that a measurement asks for, unless it is outdated."""
        found = (point for point in self.points if is_at(point, measurement.kind, measurement.place))
        return next((point for point in found if point not in self._outdated), None)

    def add(self, part: str, points: Iterable[Point]) -> None:
        """Takes finished points in; one of the same kind and place is replaced.

        A point that another part measured stays that part's, also where a later visit changed its figures.
        """
        for point in points:
            self.points = [other for other in self.points if not is_at(other, type(point), point.place)]
            self.points.append(point if point.part else point.model_copy(update={"part": part}))

    def outdate(self, point: Point) -> None:
        """A point is to be measured again, and stands until it is."""
        self._outdated.append(point)

    def miss(self, missing: Missing) -> None:
        """Notes a point that is missing."""
        self.missing.append(missing)

    def reopen(self, part: str, stale: bool) -> None:
        """A part begins: what was missing is wanted again, and so is everything where its settings changed."""
        self.missing = [one for one in self.missing if one.part != part]
        if stale:
            self.points = [point for point in self.points if point.part != part]


def is_at(point: Point, kind: type[Point], place: Place) -> bool:
    """Whether the point is of exactly this kind and was measured at this place."""
    return type(point) is kind and point.place == place
