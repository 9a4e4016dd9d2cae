"""What is answered: cores and quota of every variant, and what the objective is made of."""

from collections.abc import Mapping

from orchestrators.deployment import Deployment
from orchestrators.inf_adapter.problem import Problem
from profiler.records.base import Value


class Plan(Value):
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
        return [
            Deployment(task=self.task, variant=name, cores=cores, rate_rps=self.quota_rps[name])
            for name, cores in self.cores.items()
            if cores
        ]


def planned(problem: Problem, cores: Mapping[str, int]) -> Plan:
    """The plan that gives variants these cores, and the most accurate as much of the demand as they carry."""
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
    """The longest load time among variants that hold cores, and not as many as before, over the longest of all."""
    longest_s = max(one.load_time_s for one in problem.variants)
    changed_s = [
        one.load_time_s
        for one in problem.variants
        if cores.get(one.name) and cores[one.name] != problem.previous.get(one.name, 0)
    ]
    return max(changed_s, default=0.0) / longest_s if longest_s else 0.0
