"""Conditions on figures in text form, for example `p99_ms<=20`: parsing, checking, and the distance to them."""

import math
import re
from dataclasses import dataclass

from porting.repository.figures import METRICS
from porting.repository.schema import Figure
from profiler.common.errors import BadInputError

SETTINGS = ("batch", "cores", "threads", "instances")
CONDITION = re.compile(r"\s*(\w+)\s*(<=|>=)\s*(\S+)\s*")


@dataclass(frozen=True)
class Condition:
    """A condition: `name` is at least (`>=`) or at most (`<=`) `limit`."""

    name: str
    sign: str
    limit: float

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.limit:g}"

    def met_by(self, value: float) -> bool:
        """Whether a value meets the condition."""
        return value >= self.limit if self.sign == ">=" else value <= self.limit

    def surely_met_by(self, figure: Figure) -> bool:
        """Whether the worse end of the interval meets the condition too; false without an interval."""
        end = figure[1] if self.sign == ">=" else figure[2]
        return end is not None and self.met_by(end)

    def lack(self, value: float) -> float:
        """The distance of a value from the limit, as a share of the limit; 0 where the condition is met."""
        return 0.0 if self.met_by(value) else abs(value - self.limit) / (abs(self.limit) or 1.0)

    def relaxed_to(self, value: float) -> str:
        """The condition that `value` just meets, rounded to four digits towards the side that it meets."""
        digits = min(300, 4 - math.ceil(math.log10(abs(value)))) if value else 0
        scale = 10.0**digits
        whole = math.floor(value * scale) if self.sign == ">=" else math.ceil(value * scale)
        return f"{self.name}{self.sign}{whole / scale:.10g}"


def condition(text: str) -> Condition:
    """Parses a condition; raises `BadInputError` that names the text and the valid forms."""
    match = CONDITION.fullmatch(text)
    names = (*METRICS, *SETTINGS)
    if match is None:
        raise BadInputError(f"{text!r} is no condition: write NAME>=NUMBER or NAME<=NUMBER, for example p99_ms<=20")
    name, sign, number = match.groups()
    if name not in names:
        raise BadInputError(f"{text!r}: unknown figure {name!r}, choices are {', '.join(names)}")
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise BadInputError(f"{text!r}: {number!r} is no number")
    return Condition(name, sign, limit)
