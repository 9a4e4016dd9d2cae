"""What INFaaS decides, and what it costs."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from orchestrators.deployment import Deployment
from orchestrators.infaas.problem import Demand, Problem, Variant
from profiler.records.base import Value

Action = Literal["keep", "replicate", "remove", "upgrade", "downgrade"]
# Of a load, so that rounding does not ask for another instance.
ROUNDING = 1e-9


class Scaling(Value):
    """How many instances of a variant run by the plan, and what of the load they are given together."""

    variant: Variant
    count: int = Field(ge=0)
    rate_rps: float = Field(ge=0)

    @property
    def change(self) -> int:
        """Instances to load (positive) or to unload: the δ of the program."""
        return self.count - self.variant.running


class Plan(Value):
    """The instances of every variant that runs, now or by the plan; the objective is the sum of its two terms.

    `hardware_cost` is that of all instances for an hour, `load_cost` the weighted load latency of the new ones.
    `actions` says what happens to each task: more or fewer of the same variants, or other ones with more capacity
    (upgrade) or with less (downgrade).
    """

    scalings: list[Scaling]
    actions: dict[str, Action]
    objective: float
    hardware_cost: float
    load_cost: float

    @property
    def counts(self) -> dict[str, int]:
        """Instances by the variants' keys."""
        return {one.variant.key: one.count for one in self.scalings}

    @property
    def deployments(self) -> list[Deployment]:
        return [
            Deployment(task=one.variant.task, variant=one.variant.name, replicas=one.count, cores=one.variant.cores,
                       batch=one.variant.batch, rate_rps=one.rate_rps)
            for one in self.scalings
            if one.count
        ]  # fmt: skip


def planned(problem: Problem, counts: Mapping[str, int]) -> Plan:
    """The plan with so many instances of each variant; the load is shared in proportion to capacity."""
    capacities = {demand.task: capacity_rps(problem, demand, counts) for demand in problem.demands}
    demands = {demand.task: demand for demand in problem.demands}

    def rate_rps(variant: Variant) -> float:
        demand, capacity = demands[variant.task], capacities[variant.task]
        part = counts[variant.key] * variant.rate_rps if problem.serves(variant, demand) else 0.0
        return demand.rate_rps * part / capacity if capacity else 0.0

    scalings = [
        Scaling(variant=one, count=counts[one.key], rate_rps=rate_rps(one))
        for one in problem.variants
        if one.running or counts[one.key]
    ]
    hardware_cost = sum(one.variant.cost * one.count for one in scalings)
    load_cost = sum(problem.load_cost(one.variant) * max(one.change, 0) for one in scalings)
    return Plan(
        scalings=scalings,
        actions={task: action(problem, demand, counts, capacities[task]) for task, demand in demands.items()},
        objective=hardware_cost + load_cost,
        hardware_cost=hardware_cost,
        load_cost=load_cost,
    )


def capacity_rps(problem: Problem, demand: Demand, counts: Mapping[str, int]) -> float:
    """What the instances that meet the demand's bounds carry together."""
    return sum(counts[one.key] * one.rate_rps for one in problem.variants if problem.serves(one, demand))


def action(problem: Problem, demand: Demand, counts: Mapping[str, int], capacity: float) -> Action:
    """What the counts do to a task."""
    own = [one for one in problem.variants if one.task == demand.task]
    more = [one for one in own if counts[one.key] > one.running]
    fewer = [one for one in own if counts[one.key] < one.running]
    if not more:
        return "remove" if fewer else "keep"
    if not fewer and all(one.running for one in more):
        return "replicate"
    before = sum(one.running * one.rate_rps for one in own if problem.serves(one, demand))
    return "upgrade" if capacity >= before else "downgrade"
