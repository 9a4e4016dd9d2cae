"""The problem and the plan of Model-Switching: versions with their shares in time by load."""

from itertools import pairwise
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from orchestrators.deployment import Deployment, Infeasible
from orchestrators.planners.common import PlanBase, each_once
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
        loads, shares = zip(*curve, strict=True)
        return float(np.interp(demand_rps, loads, shares, right=0.0))


class Problem(Value):
    """The choice of a task's version for `demand_rps`; shares in time are for `deadline_ms`."""

    task: str
    variants: Annotated[tuple[Variant, ...], each_once("variants")] = Field(min_length=1)
    demand_rps: float = Field(ge=0)
    deadline_ms: float = Field(gt=0)
    cores: float = Field(default=1.0, gt=0)
    literal: bool = False


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


def solve(problem: Problem) -> Plan:
    """The variant of the highest effective accuracy; raises `Infeasible` where none is above 0."""
    shares = {one.name: one.in_time_share(problem.demand_rps, problem.literal) for one in problem.variants}
    effective = {one.name: one.accuracy * shares[one.name] for one in problem.variants}
    best = max(problem.variants, key=lambda one: (effective[one.name], shares[one.name]))
    if not effective[best.name]:
        raise Infeasible(why_none(problem))
    return Plan(
        task=problem.task,
        variant=best.name,
        objective=effective[best.name],
        accuracy=best.accuracy,
        in_time_share=shares[best.name],
        effective_accuracy=effective,
        rate_rps=problem.demand_rps,
        cores=problem.cores,
    )


def why_none(problem: Problem) -> str:
    """The message for the binding constraint: accuracy, deadline, load, or an inconsistent sweep."""
    right = [one for one in problem.variants if one.accuracy]
    if not right:
        return f"accuracy: every version of {problem.task} has an accuracy of 0: publish a version with right answers"
    which = "" if len(right) == len(problem.variants) else " with an accuracy above 0"
    message = f"no version of {problem.task}{which} answers within {problem.deadline_ms:g} ms"
    feasible = [
        (load.offered_rps, one.name)
        for one in right
        for load in one.loads
        if one.in_time_share(load.offered_rps, problem.literal)
    ]
    if not feasible:
        return f"deadline: {message} at any measured load: allow more time, or publish smaller versions"
    rate_rps, name = max(feasible)
    at_demand = f"{message} at {problem.demand_rps:g} requests/s"
    if problem.demand_rps < rate_rps:
        return (
            f"sweep: {at_demand}, where the measured share in time is 0 and yet above 0 at {rate_rps:g} of {name}: "
            "measure the loads again, or allow more time"
        )
    return (
        f"load: {at_demand}, the highest measured load with answers in time is {rate_rps:g} of {name}: "
        "lower the demand, allow more time, add servers or publish smaller versions"
    )
