"""The form of a policy, which decides on deployments from its observations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from orchestrators.deployment import Deployment
from orchestrators.policies.rules import Rule
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Mechanism:
    """The interval of a policy, and the means by which its decisions take effect.

    The policy decides every `interval_s`. With `reserves` every deployment has its own cores. With `in_place` a running
    server changes its cores or batch size at once, without a load. With `start_up_s` every replica is a separate
    machine, which takes this time to start before it loads anything; with `None` all replicas share one box.
    """

    interval_s: int
    reserves: bool = False
    in_place: bool = False
    start_up_s: float | None = None

    def __post_init__(self) -> None:
        if self.interval_s < 1:
            raise BadInputError(f"interval_s={self.interval_s}: a policy decides every 1 s or more, in whole seconds")

    @property
    def only_simulated(self) -> str:
        """The reason why such a policy cannot run on real servers; empty where it can."""
        if self.start_up_s is not None:
            return "starts and stops machines"
        if self.in_place:
            return "changes the cores of a running server"
        return "reserves cores for each version" if self.reserves else ""


@dataclass(frozen=True)
class Observation:
    """The observations up to now, by task and second: the demand in requests/s, and the used cores.

    `cpu_share` is the used share of all cores by second, loads included. A simulation has all seconds from 0 on. Real
    servers have the last minutes, and no cores by task: `used_cores` is empty. `deployments` are the last ones that a
    policy decided, on real servers those that answer. While `changing`, some of them still load and the earlier ones
    answer.
    """

    demand_rps: Mapping[str, NDArray[np.float64]]
    used_cores: Mapping[str, NDArray[np.float64]]
    cpu_share: NDArray[np.float64]
    deployments: Sequence[Deployment]
    changing: bool

    @classmethod
    def empty(cls, tasks: Sequence[str]) -> "Observation":
        """The observations before the first second."""
        none = {task: np.empty(0) for task in tasks}
        return cls(none, none, np.empty(0), [], changing=False)


@dataclass(frozen=True)
class Decision:
    """The wanted deployments, or `None` for no change; a task without an entry keeps its deployments.

    `rule` and `reason` explain the decision in the journal. `notice` is for an administrator. `infeasible` counts the
    tasks without a plan.
    """

    deployments: Sequence[Deployment] | None = None
    reason: str = ""
    rule: Rule = "better"
    notice: str | None = None
    infeasible: int = 0


@runtime_checkable
class Policy(Protocol):
    """A policy over an environment. The decision at second 0 has no observations, and its deployments are up at once.

    Where networks answer already, the first call is later, and the observation has the versions that answer.
    """

    @property
    def mechanism(self) -> Mechanism:
        """The mechanism of the policy, which never changes."""

    def decide(self, now_s: int, observation: Observation, /) -> Decision:
        """The decision at second `now_s`; raises `DnnPortingError` for a figure that the repository lacks."""


def checked(policy: object, target: str) -> Policy:
    """The policy that the callable at this dotted path made; raises `BadInputError` for any other object."""
    if not isinstance(policy, Policy):
        raise BadInputError(f"{target} makes no policy: its result needs mechanism and decide(now_s, observation)")
    return policy


def decided(policy: Policy, now_s: int, observation: Observation) -> Decision:
    """The decision of a policy; raises `BadInputError` for any other object, and for unknown tasks."""
    decision: Any = policy.decide(now_s, observation)
    if not isinstance(decision, Decision):
        raise BadInputError(f"{type(policy).__name__}.decide returns a {type(decision).__name__}: return a Decision")
    if odd := sorted({one.task for one in decision.deployments or []} - observation.demand_rps.keys()):
        raise BadInputError(f"{type(policy).__name__} plans for {', '.join(odd)}: these tasks get no requests")
    return decision
