"""The form of a policy: it is told what was seen, and says which deployments shall be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from orchestrators.deployment import Deployment
from orchestrators.policies.rules import Rule
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Ways:
    """How a policy's decisions come about.

    The policy is asked every `interval_s`. With `reserves` every deployment has its cores to itself. With `in_place` a
    running server gets other cores or another batch size at once, and nothing is loaded anew. With `start_up_s` every
    replica is a machine of its own, which takes so long before it loads anything and shares its cores with nobody;
    `None` puts all of them on one box.
    """

    interval_s: int
    reserves: bool = False
    in_place: bool = False
    start_up_s: float | None = None

    def __post_init__(self) -> None:
        if self.interval_s < 1:
            raise BadInputError(f"interval_s={self.interval_s}: a policy is asked every 1 s or more, in whole seconds")

    @property
    def only_simulated(self) -> str:
        """Why no policy of these ways runs on real servers; empty where it does."""
        if self.start_up_s is not None:
            return "starts and stops machines"
        if self.in_place:
            return "changes the cores of a running server"
        return "reserves cores for each version" if self.reserves else ""


@dataclass(frozen=True)
class Seen:
    """By task and second up to now: the requests that came, in requests/s, and the cores that its servers used.

    `cpu_share` is the use of all cores by second, loads included. A simulation tells all seconds from 0 on; real
    servers tell the last minutes, and nothing of the cores of a task, so that `used_cores` is empty there.
    `deployments` are those that were asked for last, on real servers those that answer. While `changing`, some of them
    are still loading and those before them answer.
    """

    demand_rps: Mapping[str, NDArray[np.float64]]
    used_cores: Mapping[str, NDArray[np.float64]]
    cpu_share: NDArray[np.float64]
    deployments: Sequence[Deployment]
    changing: bool

    @classmethod
    def nothing(cls, tasks: Sequence[str]) -> "Seen":
        """What there is to see before anything came."""
        none = {task: np.empty(0) for task in tasks}
        return cls(none, none, np.empty(0), [], changing=False)


@dataclass(frozen=True)
class Decision:
    """All deployments that shall be, or `None` to leave everything; a task that is not named keeps its own.

    `rule` and `reason` say why, for the journal. `notice` is for an administrator. `infeasible` counts the plans that
    there were none of.
    """

    deployments: Sequence[Deployment] | None = None
    reason: str = ""
    rule: Rule = "better"
    notice: str | None = None
    infeasible: int = 0


@runtime_checkable
class Policy(Protocol):
    """Decides over a world. At second 0 nothing was seen yet: what it answers then is up from the start.

    Where something answers already the first call comes later, with what answers as the deployments.
    """

    @property
    def ways(self) -> Ways:
        """How its decisions come about; the same in every call."""

    def decide(self, now_s: int, seen: Seen, /) -> Decision:
        """Raises `DnnPortingError` where the repository lacks what is needed to decide."""


def checked(policy: object, target: str) -> Policy:
    """The policy that the callable of this path made; raises `BadInputError` for what is none."""
    if not isinstance(policy, Policy):
        raise BadInputError(f"{target} makes no policy: what it returns needs ways and decide(now_s, seen)")
    return policy


def decided(policy: Policy, now_s: int, seen: Seen) -> Decision:
    """What it says; raises `BadInputError` where that is no decision, or for a task that there is none of."""
    decision: Any = policy.decide(now_s, seen)
    if not isinstance(decision, Decision):
        raise BadInputError(f"{type(policy).__name__}.decide answers with {type(decision).__name__}: return a Decision")
    if odd := sorted({one.task for one in decision.deployments or []} - seen.demand_rps.keys()):
        raise BadInputError(f"{type(policy).__name__} plans for {', '.join(odd)}: nothing is sent there")
    return decision
