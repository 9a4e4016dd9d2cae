"""From a problem to its plan."""

from orchestrators.errors import Infeasible
from orchestrators.inf_adapter.choices import ROUNDING, Choices, choices, most
from orchestrators.inf_adapter.plan import Plan, planned
from orchestrators.inf_adapter.problem import Problem
from orchestrators.inf_adapter.program import best
from orchestrators.inf_adapter.search import narrowed
from profiler.errors import DnnPortingError


def solve(problem: Problem) -> Plan:
    """The plan of the highest objective, of equal ones the one with the fewest cores.

    Raises `Infeasible` where the cores cannot carry the demand.
    """
    if problem.demand_rps == 0:
        return planned(problem, {})
    found = choices(problem)
    carried = most(found)[0].max()
    if carried < 1 - ROUNDING:
        raise Infeasible(why_not(problem, found, carried))
    cores = best(found, narrowed(found))
    if cores is None:
        raise DnnPortingError("the search found a plan that HiGHS calls infeasible: scale capacities and demand")
    return planned(problem, cores)


def why_not(problem: Problem, found: Choices, carried: float) -> str:
    """The constraint that binds: nothing carries anything, or all together not enough."""
    wanted = f"the demand is {problem.demand_rps:g} requests/s"
    if found.real.shape[1] == 1:
        return (
            f"{wanted}, and no variant meets the deadline on {problem.min_cores} to {problem.max_cores} cores "
            "as far as was measured: a longer deadline or a quicker variant would help"
        )
    return (
        f"{wanted}, and {problem.max_cores} cores carry at most {carried * problem.demand_rps:g} in time, "
        f"with at least {problem.min_cores} for each variant: more cores, a longer deadline or less demand would help"
    )
