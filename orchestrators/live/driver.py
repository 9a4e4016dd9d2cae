"""A policy that drives one server: called at its interval, and limited to the decisions that a server can follow."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from orchestrators.deployment import Deployment
from orchestrators.policies.environment import Environment
from orchestrators.policies.policy import Decision, Observation, Policy, decided
from profiler.common.errors import BadInputError, DnnPortingError


class Driver:
    """One policy over one `environment`; another environment needs another driver. The first use makes the policy."""

    def __init__(self, make: Callable[[Environment], Policy], environment: Environment) -> None:
        self.environment, self._make = environment, make
        self._now_s = 0
        self._notice: str | None = None

    @cached_property
    def _policy(self) -> Policy:
        return self._make(self.environment)

    def first(self) -> dict[str, str]:
        """The first version of every task, for a server on which none answers."""
        return versions(decided(self._policy, 0, Observation.empty(self.environment.tasks)))

    def step(self, demand_rps: Mapping[str, np.ndarray], cpu_share: np.ndarray, present: Mapping[str, str]) -> Decision:
        """The decision of the next second, `present` by task; the last notice holds until the next decision."""
        self._now_s += 1
        interval_s = self._policy.mechanism.interval_s
        if self._now_s % interval_s:
            return Decision(rule="wait", reason=f"the policy decides every {interval_s} s", notice=self._notice)
        deployments = [
            Deployment(task=task, variant=name, cores=self.environment.server_cores, rate_rps=0)
            for task, name in present.items()
        ]
        observation = Observation(demand_rps, {}, cpu_share, deployments, changing=False)
        decision = decided(self._policy, self._now_s, observation)
        self._notice = decision.notice
        return decision

    def undecided(self, error: DnnPortingError) -> Decision:
        """The decision to change nothing, with the error as notice until the next decision."""
        self._notice = str(error)
        return Decision(rule="hold", reason=self._notice, notice=self._notice)


def versions(decision: Decision) -> dict[str, str]:
    """The decided version of each task; raises `BadInputError` for several versions or replicas of one task."""
    found: dict[str, str] = {}
    for one in decision.deployments or []:
        if one.task in found or one.replicas != 1:
            raise BadInputError(f"the policy wants several servers for {one.task}: one server runs one version of it")
        found[one.task] = one.variant
    return found
