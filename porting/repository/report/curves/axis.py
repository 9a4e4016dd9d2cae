"""Where values stand along an axis, and which of them are written beside it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

MOST_TICKS = 5
# Ticks in a decade, from the smallest ratio of the axis' ends that they serve on; below that they are evenly spaced.
DECADES = {300: (1.0,), 20: (1.0, 3.0), 4: (1.0, 2.0, 5.0)}


@dataclass(frozen=True)
class Scale:
    """From values between `low` and `high`, or their logarithms, to pixels between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def at(self, value: float) -> float:
        if self.logarithmic:
            # The end of an interval may lie at zero or below, which no logarithmic axis has.
            share = math.log((value if value > 0 else self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


@dataclass
class Axis:
    """How one side of a panel is divided; `low` and `high` are its ends where the values do not decide them."""

    label: str = ""
    kind: Literal["linear", "decades", "doublings"] = "linear"
    form: Callable[[float], str] = "{:,.10g}".format
    low: float | None = None
    high: float | None = None
    margin: float = 0.05

    def scale(self, values: Sequence[float], start: float, end: float) -> Scale:
        """The scale on which all values have room; on a logarithmic axis only those above zero count."""
        logarithmic = self.kind != "linear"
        shown = [math.log(value) if logarithmic else value for value in values if not logarithmic or value > 0]
        least, most = min(shown, default=0.0), max(shown, default=1.0)
        room = self.margin * (most - least) or 0.1 * abs(least) or 1.0
        ends = least - room, most + room
        low, high = map(math.exp, ends) if logarithmic else ends
        return Scale(low if self.low is None else self.low, high if self.high is None else self.high, start, end,
                     logarithmic)  # fmt: skip

    def ticks(self, scale: Scale) -> list[float]:
        """The values to write."""
        if self.kind == "doublings":
            return [2.0**power for power in powers(scale, 2)]
        ratio = scale.high / scale.low if scale.logarithmic else 0.0
        subs = next((subs for least, subs in DECADES.items() if ratio >= least), None)
        if subs is None:
            return even(scale.low, scale.high)
        found = [sub * 10.0**power for power in powers(scale, 10, below=1) for sub in subs]
        return [value for value in found if scale.low <= value <= scale.high]


def powers(scale: Scale, base: int, below: int = 0) -> range:
    """The whole exponents between the ends of a scale."""
    return range(math.ceil(math.log(scale.low, base)) - below, math.floor(math.log(scale.high, base)) + 1)


def even(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, about as many as an axis has room for."""
    rough = (high - low) / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
