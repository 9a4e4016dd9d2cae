"""The plan that counts of instances make."""

from collections.abc import Mapping

from orchestrators.planners.infaas.problem import Action, Demand, Plan, Problem, Scaling, Variant


def planned(problem: Problem, counts: Mapping[str, int]) -> Plan:
    """The plan with these counts of instances by key; the load is shared in proportion to capacity."""
    capacities = {
        demand.task: sum(counts[one.key] * one.rate_rps for one in problem.variants if problem.serves(one, demand))
        for demand in problem.demands
    }
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


def action(problem: Problem, demand: Demand, counts: Mapping[str, int], capacity: float) -> Action:
    """The action of the counts on a task."""
    own = [one for one in problem.variants if one.task == demand.task]
    more = [one for one in own if counts[one.key] > one.running]
    fewer = [one for one in own if counts[one.key] < one.running]
    if not more:
        return "remove" if fewer else "keep"
    if not fewer and all(one.running for one in more):
        return "replicate"
    before = sum(one.running * one.rate_rps for one in own if problem.serves(one, demand))
    return "upgrade" if capacity >= before else "downgrade"
