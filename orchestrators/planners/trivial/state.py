"""What the trivial policy remembers from second to second, and what it says."""

from typing import Literal

from pydantic import Field

from profiler.records.base import Value

Rule = Literal["wait", "down", "up", "better", "hold"]


class State(Value):
    """The versions that answer, by task; the seconds since they do; and the CPU use seen since, the latest last.

    Where a switch failed, go on with `State(versions=...)` of those that do answer.
    """

    versions: dict[str, str]
    since_update_s: int = Field(default=0, ge=0)
    cpu_shares: tuple[float, ...] = ()

    def after(self, cpu_share: float, window_s: int) -> "State":
        """A second later."""
        return State(
            versions=self.versions,
            since_update_s=self.since_update_s + 1,
            cpu_shares=(*self.cpu_shares, cpu_share)[-window_s:],
        )


class Decision(Value):
    """The new versions of all tasks, or `None`; the rule that decided, and why.

    `notice` is for an administrator, and comes anew every second for as long as it holds. `multiplier` is by what the
    metric could grow, where that was asked.
    """

    rule: Rule
    reason: str
    versions: dict[str, str] | None = None
    notice: str | None = None
    multiplier: float | None = None
