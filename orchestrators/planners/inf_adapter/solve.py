"""The solution of a problem."""

from collections.abc import Mapping

from orchestrators.deployment import Infeasible
from orchestrators.planners.inf_adapter.choices import ROUNDING, best, choices, most
from orchestrators.planners.inf_adapter.problem import Plan, Problem
from orchestrators.planners.inf_adapter.search import narrowed
from profiler.common.errors import DnnPortingError


def solve(problem: Problem) -> Plan:
    """The plan of the highest objective; of equal plans the one with the fewest cores.

    Raises `Infeasible` where the cores cannot carry the demand.
    """
    if problem.demand_rps == 0:
        return planned(problem, {})
    found = choices(problem)
    carried = most(found)[0].max()
    if carried < 1 - ROUNDING:
        raise Infeasible(f"the demand is {problem.demand_rps:g} requests/s, and {why_not(problem, carried)}")
    cores = best(found, narrowed(found))
    if cores is None:
        raise DnnPortingError("the search found a plan that HiGHS calls infeasible: scale capacities and demand")
    return planned(problem, cores)


def why_not(problem: Problem, carried: float) -> str:
    """The message for the binding constraint: deadline, range or number of cores, or measured capacities."""
    in_time = [(cores, one.name) for one in problem.variants for cores, rate in one.capacity_rps.items() if rate]
    if not in_time:
        return (
            "no variant meets the deadline on any number of cores that was measured: "
            "a longer deadline or a quicker variant would help"
        )
    if carried == 0:
        cores, name = min(in_time, key=lambda one: (max(problem.min_cores - one[0], one[0] - problem.max_cores), one))
        fix = "lower min_cores" if cores < problem.min_cores else "raise max_cores"
        return (
            f"with min_cores={problem.min_cores} and max_cores={problem.max_cores} no variant meets the deadline; the "
            f"nearest number of cores with one is {cores} ({name}): {fix} to {cores}"
        )
    message = (
        f"{problem.max_cores} cores carry at most {carried * problem.demand_rps:g} in time, "
        f"with at least {problem.min_cores} for each variant"
    )
    unlimited_rps = sum(
        max((rate for cores, rate in one.capacity_rps.items() if cores >= problem.min_cores), default=0.0)
        for one in problem.variants
    )
    if unlimited_rps >= problem.demand_rps * (1 - ROUNDING):
        return f"{message}: more cores, a longer deadline or less demand would help"
    return (
        f"{message}, and any number of cores at most {unlimited_rps:g} as far as was measured: another variant, "
        "a profile on larger numbers of cores, a longer deadline or less demand would help"
    )


def planned(problem: Problem, cores: Mapping[str, int]) -> Plan:
    """The plan with these cores, in which the most accurate variants serve as much as they can."""
    quota_rps, left_rps = dict.fromkeys((one.name for one in problem.variants), 0.0), problem.demand_rps
    for one in problem.ordered:
        if cores.get(one.name):
            quota_rps[one.name] = min(left_rps, one.capacity_rps[cores[one.name]])
            left_rps -= quota_rps[one.name]
    served = sum(one.accuracy * quota_rps[one.name] for one in problem.variants)
    accuracy = served / problem.demand_rps if problem.demand_rps else 0.0
    resource_cost = sum(cores.values()) / problem.max_cores
    loading_cost = loading(problem, cores)
    return Plan(
        task=problem.task,
        cores={one.name: cores.get(one.name, 0) for one in problem.variants},
        quota_rps=quota_rps,
        objective=problem.alpha * accuracy - (problem.beta * resource_cost + problem.gamma * loading_cost),
        accuracy=accuracy,
        resource_cost=resource_cost,
        loading_cost=loading_cost,
    )


def loading(problem: Problem, cores: Mapping[str, int]) -> float:
    """The longest load time of variants whose cores change to another number above 0, over the longest of all."""
    longest_s = max(one.load_time_s for one in problem.variants)
    changed_s = [
        one.load_time_s
        for one in problem.variants
        if cores.get(one.name) and cores[one.name] != problem.previous.get(one.name, 0)
    ]
    return max(changed_s, default=0.0) / longest_s if longest_s else 0.0
