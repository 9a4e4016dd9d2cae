"""The versions of a task in the order of the chain."""

from dataclasses import dataclass
from functools import cached_property

from orchestrators.deployment import Infeasible
from orchestrators.planners.trivial.problem import UNITS, Metric, Task, Version


@dataclass(frozen=True)
class Front:
    """Versions by falling accuracy, each with less of the metric than all before it.

    `costs` are the metric of one request, `accuracies` are normalised.
    """

    task: Task
    versions: tuple[Version, ...]
    costs: tuple[float, ...]
    accuracies: tuple[float, ...]

    @classmethod
    def of(cls, task: Task, metric: Metric) -> "Front":
        """The front of a task; raises `Infeasible` where no version is below its maximal metric."""
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
        """The number of steps down; 0 without demand, where a step saves nothing."""
        return len(self.versions) - 1 if self.task.demand_rps else 0

    def saving(self, place: int) -> float:
        """The metric that the step down from `place` saves at the task's demand."""
        return self.task.demand_rps * (self.costs[place] - self.costs[place + 1])

    def next_slope(self, place: int) -> float:
        """Literal: the accuracy lost per saved metric in the next step, the metric times demand."""
        lost, saved = self.accuracies[place] - self.accuracies[place + 1], self.costs[place] - self.costs[place + 1]
        return lost / saved / self.task.demand_rps

    @cached_property
    def best_slopes(self) -> list[float]:
        """Corrected: from each place but the last the lowest loss of accuracy per saved metric to any lower version.

        The loss is weighted by the task's share of the demand and the metric by its demand, so the demand cancels, up
        to the total that is common to all tasks.
        """
        points = list(zip(self.accuracies, self.costs, strict=True))
        return [
            min((accuracy - lower) / (cost - cheaper) for lower, cheaper in points[place + 1 :])
            for place, (accuracy, cost) in enumerate(points[:-1])
        ]
