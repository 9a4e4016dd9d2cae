"""A task's versions as the chain goes down them."""

from dataclasses import dataclass
from functools import cached_property

from orchestrators.errors import Infeasible
from orchestrators.planners.trivial.problem import UNITS, Metric, Task, Version


@dataclass(frozen=True)
class Front:
    """Versions from the most accurate down, each with less of the metric than all before it.

    `costs` are the metric of one request, `accuracies` are normalised.
    """

    task: Task
    versions: tuple[Version, ...]
    costs: tuple[float, ...]
    accuracies: tuple[float, ...]

    @classmethod
    def of(cls, task: Task, metric: Metric) -> "Front":
        """The versions that are considered; raises `Infeasible` where none is below the task's maximal metric."""
        limit = float("inf") if task.max_metric is None else task.max_metric
        kept: list[tuple[float, Version]] = []
        for one in sorted(task.versions, key=lambda one: (-one.accuracy, one.per_request(metric), one.name)):
            cost = one.per_request(metric)
            if cost < (kept[-1][0] if kept else limit):
                kept.append((cost, one))
        if not kept:
            cost, name = min((one.per_request(metric), one.name) for one in task.versions)
            raise Infeasible(
                f"no version of {task.name} is below max_metric={limit:g} {UNITS[metric]} a request: the least is "
                f"{cost:.4g} of {name}; raise max_metric, or publish a smaller version"
            )
        costs, versions = zip(*kept, strict=True)
        best = task.best_accuracy
        return cls(task, versions, costs, tuple(one.accuracy / best for one in versions))

    def steps(self) -> int:
        """How often the task can step down; without demand that saves nothing."""
        return len(self.versions) - 1 if self.task.demand_rps else 0

    def saving(self, place: int) -> float:
        """What the step down from a place saves of the metric at the task's demand."""
        return self.task.demand_rps * (self.costs[place] - self.costs[place + 1])

    def next_slope(self, place: int) -> float:
        """Literal: accuracy lost per metric saved by the next step, the metric times demand."""
        lost, saved = self.accuracies[place] - self.accuracies[place + 1], self.costs[place] - self.costs[place + 1]
        return lost / saved / self.task.demand_rps

    @cached_property
    def best_slopes(self) -> list[float]:
        """Corrected, from each place but the last: the least accuracy lost per metric saved of all versions below.

        The loss counts for the task's share of the demand and the metric times its demand, so that the demand is not
        in the ratio, up to the total that all tasks have in common.
        """
        points = list(zip(self.accuracies, self.costs, strict=True))
        return [
            min((accuracy - lower) / (cost - cheaper) for lower, cheaper in points[place + 1 :])
            for place, (accuracy, cost) in enumerate(points[:-1])
        ]
