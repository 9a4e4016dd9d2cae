"""One point to be measured, and how a part of the plan asks for it."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from profiler.records.base import Point


@dataclass(frozen=True)
class Task:
    """A point of a kind at a place (`at` has the kind's identity); `seconds` is what it should take.

    `measure` returns that point first, and after it what else fell off on the way.
    """

    kind: type[Point]
    at: dict[str, Any]
    seconds: float
    measure: Callable[[], Sequence[Point]]


# A part yields tasks and gets each one's point back, `None` where it could not be had: so it can go on
# from what it learns, and does the same whether a point was measured now or by an earlier run.
Tasks = Generator[Task, Point | None, None]
