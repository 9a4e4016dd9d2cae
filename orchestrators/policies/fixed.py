"""Baselines with one fixed version of each task: the most accurate or the cheapest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from orchestrators.deployment import Deployment
from orchestrators.planners.trivial.from_repository import problem_of
from orchestrators.planners.trivial.front import Front
from orchestrators.planners.trivial.problem import Metric
from orchestrators.policies.environment import Environment
from orchestrators.policies.policy import Decision, Mechanism, Observation

# The time before a failed load is repeated.
INTERVAL_S = 15
# Places in the front of a task, whose less accurate versions are cheaper.
MOST_ACCURATE, CHEAPEST = 0, -1


@dataclass(frozen=True)
class Fixed:
    """The same deployments at all times; the policy decides for them again where other versions answer."""

    deployments: Sequence[Deployment]
    mechanism = Mechanism(interval_s=INTERVAL_S)

    def decide(self, _now_s: int, observation: Observation, /) -> Decision:
        """The fixed deployments wherever other versions answer."""
        fixed, present = (
            {(one.task, one.variant) for one in deployments}
            for deployments in (self.deployments, observation.deployments)
        )
        if fixed == present:
            return Decision(reason="the versions are fixed", rule="hold")
        return Decision(self.deployments, "fixed")


def fixed(
    environment: Environment, *, place: int, metric: Metric = "inverse_throughput",
    max_metric: Mapping[str, float] | None = None, batch: int | None = None,
) -> Fixed:  # fmt: skip
    """The policy with the version at this place of every task's front, on all cores of a server."""
    names, cores = versions_at(place, environment, metric, max_metric, batch), environment.server_cores
    return Fixed([Deployment(task=task, variant=name, cores=cores, rate_rps=0) for task, name in names.items()])


def versions_at(
    place: int, environment: Environment, metric: Metric = "inverse_throughput",
    max_metric: Mapping[str, float] | None = None, batch: int | None = None,
) -> dict[str, str]:  # fmt: skip
    """The name of the version at this place of every task's front below the maximal metric, by task."""
    problem = problem_of(
        environment.families, demand_rps=environment.first_rps, metric=metric, max_metric=max_metric,
        batch=batch or environment.batch,
    )  # fmt: skip
    return {task.name: Front.of(task, metric).versions[place].name for task in problem.tasks}


largest, smallest = partial(fixed, place=MOST_ACCURATE), partial(fixed, place=CHEAPEST)
