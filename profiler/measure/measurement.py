"""One point to be measured, and how a part of the plan asks for it."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from profiler.records.base import Missing, MissingVerdict, Point
from profiler.records.place import Place


@dataclass(frozen=True)
class Shorter:
    """A way to measure a point in the least time; its figures may have no interval."""

    seconds: float
    measure: Callable[[], Sequence[Point]]


@dataclass(frozen=True)
class Measurement:
    """A point of a kind at a place; `seconds` is what it should take.

    `measure` returns that point first, and after it the other points that were measured with it. The `shorter` way is
    taken where the budget has no time for that. A point that is `needed` is measured whatever the budget is.
    """

    kind: type[Point]
    place: Place
    seconds: float
    measure: Callable[[], Sequence[Point]]
    shorter: Shorter | None = None
    needed: bool = False

    def missing(self, part: str, verdict: MissingVerdict, reason: str, setting: str = "") -> Missing:
        """The record of a point that a part of the plan could not have, and the setting of a run that measures it."""
        at = self.place.at(self.kind.identity)
        at = {name: list(value) if isinstance(value, tuple) else value for name, value in at.items()}
        return Missing(part=part, point=self.kind.__name__, at=at, verdict=verdict, reason=reason, setting=setting)


# A part yields measurements and gets the point of each one back, `None` where it could not be had. So the part goes on
# from what it learns, and does the same whether a point was measured now or by an earlier run.
Measurements = Generator[Measurement, Point | None, None]
