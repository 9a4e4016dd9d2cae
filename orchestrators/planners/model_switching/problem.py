"""The problem and the plan of Model-Switching: versions with their shares in time by load."""

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from orchestrators.deployment import Deployment
from orchestrators.planners.common import PlanBase, interpolated, unique
from profiler.records.base import Value


class Load(Value):
    """The share of requests in time at an offered rate, and whether the queue grew without limit."""

    offered_rps: float = Field(gt=0)
    in_time_share: float = Field(ge=0, le=1)
    unstable: bool = False


class Variant(Value):
    """A version and its loads in rising order."""

    name: str = Field(min_length=1)
    accuracy: float = Field(ge=0, le=1)
    loads: tuple[Load, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def loads_rise(self) -> Self:
        """Raises `ValueError` where the offered rates do not rise."""
        for one, other in pairwise(self.loads):
            if one.offered_rps >= other.offered_rps:
                raise ValueError(
                    f"loads of {self.name!r}: {other.offered_rps:g} requests/s come after {one.offered_rps:g}; give "
                    "every rate once, in rising order"
                )
        return self

    def in_time_share(self, demand_rps: float, literal: bool = False) -> float:
        """A lower bound of the share in time at a demand."""
        curve = [(one.offered_rps, 0.0 if one.unstable and not literal else one.in_time_share) for one in self.loads]
        (lowest, _), (highest, _) = curve[0], curve[-1]
        return 0.0 if demand_rps > highest else interpolated(curve, max(demand_rps, lowest))


class Problem(Value):
    """The choice of a task's version for `demand_rps`; shares in time are for `deadline_ms`."""

    task: str
    variants: tuple[Variant, ...] = Field(min_length=1)
    demand_rps: float = Field(ge=0)
    deadline_ms: float = Field(gt=0)
    cores: float = Field(default=1.0, gt=0)
    literal: bool = False

    @model_validator(mode="after")
    def variants_can_be_told_apart(self) -> Self:
        """Raises `ValueError` for two variants of one name."""
        unique("variants", (one.name for one in self.variants))
        return self


class Plan(PlanBase):
    """The chosen variant; `objective` is its effective accuracy, `effective_accuracy` has those of all variants."""

    task: str
    variant: str
    objective: float
    accuracy: float
    in_time_share: float
    effective_accuracy: dict[str, float]
    rate_rps: float
    cores: float

    @property
    def deployments(self) -> list[Deployment]:
        """The deployments of the plan."""
        return [Deployment(task=self.task, variant=self.variant, cores=self.cores, rate_rps=self.rate_rps)]
