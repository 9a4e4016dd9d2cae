"""The settings, state, moves and view of the trivial policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, Self

from pydantic import Field, model_validator

from orchestrators.planners.trivial.chain import Allocation, allocation, chain
from orchestrators.planners.trivial.problem import Metric, Problem
from profiler.records.base import Value

Rule = Literal["wait", "down", "up", "better", "hold"]
ROUNDING = 1 + 1e-9


class Settings(Value):
    """The thresholds, by default those that the thesis found by trial and error. Shares are of the cores, 0 to 1.

    The policy waits `hold_s` after an update, and `up_after_s` before a step up. Above a mean use of `down_above` over
    `window_s` the metric falls by at least `reduction`. Below a maximal use of `up_below` it may grow until `goal` is
    used, where the use counts as at most `theory_limit` times the one that the metric predicts.
    """

    hold_s: int = Field(default=15, ge=0)
    up_after_s: int = Field(default=30, ge=0)
    window_s: int = Field(default=10, ge=1)
    down_above: float = Field(default=0.70, gt=0, le=1)
    reduction: float = Field(default=0.40, ge=0, lt=1)
    up_below: float = Field(default=0.50, ge=0, le=1)
    goal: float = Field(default=0.65, gt=0, le=1)
    theory_limit: float = Field(default=1.2, ge=1)

    @model_validator(mode="after")
    def steps_up_do_not_ask_for_a_step_down(self) -> Self:
        """Raises `ValueError` for thresholds by which a step up is taken back."""
        if not self.up_below < self.goal <= self.down_above:
            raise ValueError(
                f"up_below={self.up_below:g}, goal={self.goal:g}, down_above={self.down_above:g}: choose "
                "up_below < goal <= down_above, so that a step up is worth taking and is not taken back"
            )
        return self


THESIS = Settings()


class State(Value):
    """The versions that answer, by task, the seconds since the last update, and the CPU use since, in order of time.

    After a failed switch the state is `State(versions=...)` with the versions that answer.
    """

    versions: dict[str, str]
    since_update_s: int = Field(default=0, ge=0)
    cpu_shares: tuple[float, ...] = ()

    def after(self, cpu_share: float, window_s: int) -> "State":
        """The state one second later."""
        return State(
            versions=self.versions,
            since_update_s=self.since_update_s + 1,
            cpu_shares=(*self.cpu_shares, cpu_share)[-window_s:],
        )


class Move(Value):
    """The new versions of all tasks, or `None`, with the rule that decided and the reason.

    `notice` is for an administrator, and is repeated every second while it holds. `multiplier` is the factor by which
    the metric may grow, where the rule needs it.
    """

    rule: Rule
    reason: str
    versions: dict[str, str] | None = None
    notice: str | None = None
    multiplier: float | None = None


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
        """The view of a problem in which at least one task has demand."""
        busy = problem.of(task for task in problem.tasks if task.demand_rps)
        present = allocation(busy, {task.name: state.versions[task.name] for task in busy.tasks})
        shares = state.cpu_shares
        return cls(problem.metric, state.versions, present, chain(busy), fmean(shares), max(shares))

    def better(self) -> list[Allocation]:
        """The allocations more accurate than the present one, the best first."""
        return [one for one in self.chain if one.accuracy > self.present.accuracy * ROUNDING]

    def after(self, one: Allocation) -> dict[str, str]:
        """The versions of all tasks under this allocation: tasks without demand keep theirs."""
        return {**self.versions, **one.versions}
