"""What the rules look at in a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from orchestrators.planners.trivial.chain import Allocation, allocation, chain
from orchestrators.planners.trivial.problem import Metric, Problem
from orchestrators.planners.trivial.state import State

ROUNDING = 1 + 1e-9


@dataclass(frozen=True)
class View:
    """The present allocation of the tasks that have demand, their chain, and the CPU use in the window.

    `versions` are the present ones of all tasks.
    """

    metric: Metric
    versions: dict[str, str]
    present: Allocation
    chain: Sequence[Allocation]
    mean: float
    most: float

    @classmethod
    def of(cls, problem: Problem, state: State) -> "View":
        """Some task of the problem must have demand."""
        busy = problem.of(task for task in problem.tasks if task.demand_rps)
        present = allocation(busy, {task.name: state.versions[task.name] for task in busy.tasks})
        shares = state.cpu_shares
        return cls(problem.metric, state.versions, present, chain(busy), fmean(shares), max(shares))

    def better(self) -> list[Allocation]:
        """The allocations that are more accurate than the present one, the best first."""
        return [one for one in self.chain if one.accuracy > self.present.accuracy * ROUNDING]

    def after(self, one: Allocation) -> dict[str, str]:
        """All tasks' versions once this allocation stands: those without demand keep theirs."""
        return {**self.versions, **one.versions}
