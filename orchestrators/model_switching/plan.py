"""The version of the highest effective accuracy."""

from orchestrators.deployment import Deployment
from orchestrators.errors import Infeasible
from orchestrators.model_switching.problem import Problem
from profiler.records.base import Value


class Plan(Value):
    """The chosen variant; `objective` is its effective accuracy, `effective_accuracy` has that of all."""

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
        return [Deployment(task=self.task, variant=self.variant, cores=self.cores, rate_rps=self.rate_rps)]


def solve(problem: Problem) -> Plan:
    """The variant of the highest effective accuracy; raises `Infeasible` where nothing is known to be in time."""
    shares = {one.name: one.in_time_share(problem.demand_rps, problem.literal) for one in problem.variants}
    effective = {one.name: one.accuracy * shares[one.name] for one in problem.variants}
    best = max(problem.variants, key=lambda one: (effective[one.name], shares[one.name]))
    if not effective[best.name]:
        raise Infeasible(too_much(problem))
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


def too_much(problem: Problem) -> str:
    """What is asked, and the highest load at which anything is known to be in time."""
    asked = f"no version of {problem.task} is known to answer within {problem.deadline_ms:g} ms"
    bearable = [
        (load.offered_rps, one.name)
        for one in problem.variants
        for load in one.loads
        if one.accuracy and one.in_time_share(load.offered_rps, problem.literal)
    ]
    if not bearable:
        return f"deadline: {asked} at any measured load: allow more time, or publish smaller versions"
    rate_rps, name = max(bearable)
    return (
        f"load: {asked} at {problem.demand_rps:g} requests/s, the highest measured load with answers in time is "
        f"{rate_rps:g} of {name}: lower the demand, allow more time, add servers or publish smaller versions"
    )
