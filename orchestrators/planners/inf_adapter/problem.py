"""The problem (variants with capacities by cores, a demand, a budget, the present plan) and the plan."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from orchestrators.deployment import Deployment
from orchestrators.planners.common import PlanBase, Rate, each_once
from profiler.records.base import Value


class Variant(Value):
    """A variant and its capacities.

    `capacity_rps` has the requests/s that are in time, by measured number of cores; 0 where the deadline is not met.
    `load_time_s` is the time until it serves with another number of cores.
    """

    name: str = Field(min_length=1)
    accuracy: float = Field(ge=0, le=1)
    load_time_s: float = Field(ge=0)
    capacity_rps: dict[Annotated[int, Field(ge=0)], Rate] = Field(min_length=1)

    @field_validator("capacity_rps")
    @classmethod
    def none_without_cores(cls, capacity_rps: dict[int, float]) -> dict[int, float]:
        """Raises `ValueError` for a capacity on 0 cores."""
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
    previous: dict[str, Annotated[int, Field(ge=0)]] = Field(default={})
    alpha: float = Field(default=1.0, ge=0)
    beta: float = Field(default=0.05, ge=0)
    gamma: float = Field(default=0.001, ge=0)

    @model_validator(mode="after")
    def figures_agree(self) -> Self:
        """Raises `ValueError` where `min_cores` is above `max_cores`, and for an unknown name in `previous`."""
        if self.min_cores > self.max_cores:
            raise ValueError(
                f"min_cores={self.min_cores} is above max_cores={self.max_cores}: lower min_cores or raise max_cores"
            )
        names = [one.name for one in self.variants]
        if odd := [name for name in self.previous if name not in names]:
            raise ValueError(f"previous names {odd[0]!r}, which is no variant: choices are {', '.join(names)}")
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
