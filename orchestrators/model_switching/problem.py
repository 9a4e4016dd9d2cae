"""What Model-Switching decides over: versions with their shares in time by load."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from profiler.records.base import Value


class Load(Value):
    """The share in time of the requests at an offered rate, and whether their queue was seen to grow without end."""

    offered_rps: float = Field(gt=0)
    in_time_share: float = Field(ge=0, le=1)
    exploding: bool = False


class Variant(Value):
    """A version and its loads in rising order."""

    name: str = Field(min_length=1)
    accuracy: float = Field(ge=0, le=1)
    loads: tuple[Load, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def loads_rise(self) -> Self:
        for one, other in pairwise(self.loads):
            if one.offered_rps >= other.offered_rps:
                raise ValueError(
                    f"loads of {self.name!r}: {other.offered_rps:g} requests/s come after {one.offered_rps:g}; give "
                    "every rate once, in rising order"
                )
        return self

    def in_time_share(self, demand_rps: float, literal: bool = False) -> float:
        """The share that is in time at a load, at least."""
        curve = [(one.offered_rps, 0.0 if one.exploding and not literal else one.in_time_share) for one in self.loads]
        (lowest, _), (highest, _) = curve[0], curve[-1]
        return 0.0 if demand_rps > highest else interpolated(curve, max(demand_rps, lowest))


class Problem(Value):
    """Which of a task's versions shall answer `demand_rps`; shares in time are those of `deadline_ms`."""

    task: str
    variants: tuple[Variant, ...] = Field(min_length=1)
    demand_rps: float = Field(ge=0)
    deadline_ms: float = Field(gt=0)
    cores: float = Field(default=1.0, gt=0)
    literal: bool = False

    @model_validator(mode="after")
    def variants_can_be_told_apart(self) -> Self:
        names = [one.name for one in self.variants]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"variants named twice: {', '.join(twice)}; give each a name of its own")
        return self


def interpolated(curve: Sequence[tuple[float, float]], x: float) -> float:
    """Linear between the points, which rise in x and reach from below x to above it."""
    for (a, below), (b, above) in pairwise(curve):
        if a <= x < b:
            return below + (x - a) / (b - a) * (above - below)
    return curve[-1][1]
