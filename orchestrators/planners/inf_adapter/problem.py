"""The problem (variants with capacities by cores, a demand, a budget, the present plan) and the plan."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from orchestrators.deployment import Deployment
from orchestrators.planners.common import PlanBase, each_once
from profiler.records.base import Value


class Variant(Value):
    """A variant and its capacities.

    `capacity_rps` has the requests/s that are in time, by measured number of cores; 0 where the deadline is not met.
    `load_time_s` is the time until it serves with another number of cores.
    """

    name: str = Field(min_length=1)
    accuracy: float = Field(ge=0, le=1)
    load_time_s: float = Field(ge=0)
    capacity_rps: dict[int, float] = Field(min_length=1)

    @field_validator("capacity_rps")
    @classmethod
    def none_without_cores(cls, capacity_rps: dict[int, float]) -> dict[int, float]:
        """Raises `ValueError` for a negative figure, and for a capacity on 0 cores."""
        for cores, rate in capacity_rps.items():
            if cores < 0 or rate < 0:
                raise ValueError(f"{rate:g} requests/s on {cores} cores: neither is below 0, leave the entry out")
        if capacity_rps.get(0, 0.0) > 0:
            raise ValueError(f"{capacity_rps[0]:g} requests/s on 0 cores: nothing is served without cores, give 0")
        return capacity_rps


class Problem(Value):
    """Variants of one task that share `max_cores`, of which each gets none or at least `min_cores`.

    `previous` has the cores that variants hold now; those that it leaves out hold none. `alpha` weighs accuracy,
    `beta` the share of cores, `gamma` the longest load.
    """

    task: str = ""
    variants: Annotated[list[Variant], each_once("variants")] = Field(min_length=1)
    demand_rps: float = Field(ge=0)
    max_cores: int = Field(ge=1)
    min_cores: int = Field(default=1, ge=1)
    previous: dict[str, int] = Field(default={})
    alpha: float = Field(default=1.0, ge=0)
    beta: float = Field(default=0.05, ge=0)
    gamma: float = Field(default=0.001, ge=0)

    @model_validator(mode="after")
    def figures_agree(self) -> Self:
        """Raises `ValueError` where the minimum of the cores is above the maximum, and for an impossible `previous`."""
        if self.min_cores > self.max_cores:
            raise ValueError(
                f"min_cores={self.min_cores} is above max_cores={self.max_cores}: lower min_cores or raise max_cores"
            )
        names = [one.name for one in self.variants]
        for name, cores in self.previous.items():
            if name not in names:
                raise ValueError(f"previous names {name!r}, which is no variant: choices are {', '.join(names)}")
            if cores < 0:
                raise ValueError(f"previous gives {name} {cores} cores: give 0 or more")
        return self

    @property
    def ordered(self) -> list[Variant]:
        """The most accurate first, equal ones by name."""
        return sorted(self.variants, key=lambda one: (-one.accuracy, one.name))


class Plan(PlanBase):
    """`cores` and `quota_rps` name every variant, those without cores too.

    `accuracy` is AA, `resource_cost` RC and `loading_cost` LC, each in 0 to 1.
    """

    task: str
    cores: dict[str, int]
    quota_rps: dict[str, float]
    objective: float
    accuracy: float
    resource_cost: float
    loading_cost: float

    @property
    def deployments(self) -> list[Deployment]:
        """The deployments of the plan."""
        return [
            Deployment(task=self.task, variant=name, cores=cores, rate_rps=self.quota_rps[name])
            for name, cores in self.cores.items()
            if cores
        ]
