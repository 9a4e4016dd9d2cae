"""The version of the highest effective accuracy."""

from orchestrators.errors import Infeasible
from orchestrators.planners.model_switching.problem import Plan, Problem


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
        return f"accuracy: every version of {problem.task} has an accuracy of 0: publish a version that is ever right"
    which = "" if len(right) == len(problem.variants) else " with an accuracy above 0"
    asked = f"no version of {problem.task}{which} is known to answer within {problem.deadline_ms:g} ms"
    bearable = [
        (load.offered_rps, one.name)
        for one in right
        for load in one.loads
        if one.in_time_share(load.offered_rps, problem.literal)
    ]
    if not bearable:
        return f"deadline: {asked} at any measured load: allow more time, or publish smaller versions"
    rate_rps, name = max(bearable)
    at = f"{asked} at {problem.demand_rps:g} requests/s"
    if problem.demand_rps < rate_rps:
        return (
            f"sweep: {at}, where the measured share in time is 0 and yet above 0 at {rate_rps:g} of {name}: "
            "measure the loads again, or allow more time"
        )
    return (
        f"load: {at}, the highest measured load with answers in time is {rate_rps:g} of {name}: "
        "lower the demand, allow more time, add servers or publish smaller versions"
    )
