"""Baselines with one fixed version of each task: the most accurate or the cheapest."""

from collections.abc import Mapping, Sequence

from orchestrators.deployment import Deployment
from orchestrators.planners.trivial.from_repository import problem_of
from orchestrators.planners.trivial.front import Front
from orchestrators.planners.trivial.problem import Metric
from orchestrators.policies.policy import Decision, Seen, Ways
from orchestrators.policies.world import World

# The time before a failed load is repeated.
INTERVAL_S = 15


class Fixed:
    """The same deployments at all times; it asks for them again where other versions answer."""

    ways = Ways(interval_s=INTERVAL_S)

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self._deployments = deployments

    def decide(self, _now_s: int, seen: Seen, /) -> Decision:
        """The fixed deployments wherever other versions answer."""
        if served(self._deployments) == served(seen.deployments):
            return Decision(reason="the versions are fixed", rule="hold")
        return Decision(self._deployments, "fixed")


def served(deployments: Sequence[Deployment]) -> set[tuple[str, str]]:
    """The pairs of a task and a variant that answers."""
    return {(one.task, one.variant) for one in deployments}


def largest(
    world: World,
    *,
    metric: Metric = "inverse_throughput",
    max_metric: Mapping[str, float] | None = None,
    batch: int | None = None,
) -> Fixed:
    """The most accurate version of every task among those below its maximal metric."""
    return Fixed(deployed(world, most_accurate(fronts(world, metric, max_metric, batch))))


def smallest(
    world: World,
    *,
    metric: Metric = "inverse_throughput",
    max_metric: Mapping[str, float] | None = None,
    batch: int | None = None,
) -> Fixed:
    """The version of every task with the lowest metric."""
    return Fixed(deployed(world, cheapest(fronts(world, metric, max_metric, batch))))


def most_accurate(found: Mapping[str, Front]) -> dict[str, str]:
    """The first version of every task's front, by task."""
    return {task: front.versions[0].name for task, front in found.items()}


def cheapest(found: Mapping[str, Front]) -> dict[str, str]:
    """The last version of every task's front, by task; by default the one of the highest throughput."""
    return {task: front.versions[-1].name for task, front in found.items()}


def fronts(
    world: World,
    metric: Metric = "inverse_throughput",
    max_metric: Mapping[str, float] | None = None,
    batch: int | None = None,
) -> dict[str, Front]:
    """The front of each task below its maximal metric: less accurate versions are cheaper."""
    problem = problem_of(
        world.families, demand_rps=world.first_rps, metric=metric, max_metric=max_metric, batch=batch or world.batch
    )
    return {task.name: Front.of(task, metric) for task in problem.tasks}


def deployed(world: World, versions: Mapping[str, str]) -> list[Deployment]:
    """The deployments of these versions, each with all cores of a server."""
    return [
        Deployment(task=task, variant=name, cores=world.server_cores, rate_rps=0) for task, name in versions.items()
    ]
