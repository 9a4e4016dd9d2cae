"""One version of each task, with which policies that decide are compared: the most accurate, or the cheapest."""

from collections.abc import Mapping, Sequence

from orchestrators.deployment import Deployment
from orchestrators.planners.trivial.from_repository import problem_of
from orchestrators.planners.trivial.front import Front
from orchestrators.planners.trivial.problem import Metric
from orchestrators.policies.policy import Decision, Seen, Ways
from orchestrators.policies.world import World

# After a load that failed, as after any other change, nothing is done for a while.
INTERVAL_S = 15


class Fixed:
    """The same deployments from beginning to end; where others answer they are asked for again."""

    ways = Ways(interval_s=INTERVAL_S)

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self._deployments = deployments

    def decide(self, _now_s: int, seen: Seen, /) -> Decision:
        """The fixed deployments wherever other versions answer."""
        if served(self._deployments) == served(seen.deployments):
            return Decision(reason="the versions are fixed", rule="hold")
        return Decision(self._deployments, "fixed")


def served(deployments: Sequence[Deployment]) -> set[tuple[str, str]]:
    """Tasks, each with a variant that answers."""
    return {(one.task, one.variant) for one in deployments}


def largest(
    world: World,
    *,
    metric: Metric = "inverse_throughput",
    max_metric: Mapping[str, float] | None = None,
    batch: int | None = None,
) -> Fixed:
    """The most accurate version of every task, of those below its maximal metric."""
    return Fixed(deployed(world, most_accurate(fronts(world, metric, max_metric, batch))))


def smallest(
    world: World,
    *,
    metric: Metric = "inverse_throughput",
    max_metric: Mapping[str, float] | None = None,
    batch: int | None = None,
) -> Fixed:
    """The version of every task with the least of the metric."""
    return Fixed(deployed(world, cheapest(fronts(world, metric, max_metric, batch))))


def most_accurate(found: Mapping[str, Front]) -> dict[str, str]:
    """The first version of every task's front, by task."""
    return {task: front.versions[0].name for task, front in found.items()}


def cheapest(found: Mapping[str, Front]) -> dict[str, str]:
    """The last version of every task's front, by task; without settings that of the highest throughput."""
    return {task: front.versions[-1].name for task, front in found.items()}


def fronts(
    world: World,
    metric: Metric = "inverse_throughput",
    max_metric: Mapping[str, float] | None = None,
    batch: int | None = None,
) -> dict[str, Front]:
    """Each task's versions, the less accurate the cheaper; those below the task's maximal metric."""
    problem = problem_of(
        world.families, demand_rps=world.first_rps, metric=metric, max_metric=max_metric, batch=batch or world.batch
    )
    return {task.name: Front.of(task, metric) for task in problem.tasks}


def deployed(world: World, versions: Mapping[str, str]) -> list[Deployment]:
    """Each may use all of a server's cores."""
    return [
        Deployment(task=task, variant=name, cores=world.server_cores, rate_rps=0) for task, name in versions.items()
    ]
