"""Autoscaled virtual machines, each with one version on a target's own cores.

Paragon's comparison (WoSC'20, section 2.3) has two kinds. Reactive machines scale when the demand exceeds the capacity.
Utilisation-aware machines scale when the CPU use exceeds a threshold, 80 % in most systems. Both kinds are late by the
start-up time that the user states; the second kind starts machines earlier and holds more than it needs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from orchestrators.deployment import Deployment
from orchestrators.policies.environment import Environment
from orchestrators.policies.fixed import MOST_ACCURATE, versions_at
from orchestrators.policies.policy import Decision, Mechanism, Observation

INTERVAL_S, WINDOW_S, THRESHOLD = 10, 10, 0.8
# A machine is stopped after this time without need for it.
COOL_DOWN_S = 60
Signal = Literal["demand", "use"]


def machines(environment: Environment, signal: Signal) -> "Machines":
    """The policy with the most accurate version of each task; a machine has all cores of the target."""
    variants, cores = versions_at(MOST_ACCURATE, environment), environment.own_cores
    capacity_rps = {task: environment.capacity_rps(task, name, cores) for task, name in variants.items()}
    return Machines(signal, variants, capacity_rps, cores, environment.start_up_s, environment.first_rps)


reactive_vms, utilisation_vms = partial(machines, signal="demand"), partial(machines, signal="use")


@dataclass
class Machines:
    """A policy over machines, of which each task has at least one; `capacity_rps` is that of one machine, by task."""

    signal: Signal
    variants: Mapping[str, str]
    capacity_rps: Mapping[str, float]
    cores: float
    start_up_s: float
    first_rps: Mapping[str, float]
    _recent: dict[str, list[int]] = field(default_factory=dict, init=False)

    @property
    def mechanism(self) -> Mechanism:
        """See `Policy`."""
        return Mechanism(interval_s=INTERVAL_S, reserves=True, start_up_s=self.start_up_s)

    def decide(self, _now_s: int, observation: Observation, /) -> Decision:
        """The number of machines of each task."""
        deployments = [
            Deployment(task=task, variant=name, replicas=self._count(task, observation), cores=self.cores, rate_rps=0)
            for task, name in self.variants.items()
        ]
        return Decision(deployments, "the machines that the demand or the use of the last minute needs")

    def _count(self, task: str, observation: Observation) -> int:
        """The number of machines that are needed, or were at any time of the cool-down."""
        present = next((one.replicas for one in observation.deployments if one.task == task), 0)
        if not present:
            return max(1, math.ceil(self.first_rps[task] / self.capacity_rps[task]))
        needed = max(1, self._needed(task, observation))
        recent = self._recent[task] = [*self._recent.get(task, []), needed][-COOL_DOWN_S // INTERVAL_S :]
        return max(needed, min(present, max(recent)))

    def _needed(self, task: str, observation: Observation) -> int:
        """The number of machines that carry the demand, or whose CPU use is at the threshold.

        The use includes machines that still start.
        """
        if self.signal == "demand":
            return math.ceil(float(observation.demand_rps[task][-WINDOW_S:].mean()) / self.capacity_rps[task])
        return math.ceil(float(observation.used_cores[task][-WINDOW_S:].mean()) / (THRESHOLD * self.cores))
