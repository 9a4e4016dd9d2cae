"""Baselines of the papers with the most accurate version: horizontal scaling, and vertical scaling by a threshold.

The tasks share the cores of a box evenly.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrators.deployment import Deployment
from orchestrators.policies.environment import Environment
from orchestrators.policies.fixed import MOST_ACCURATE, versions_at
from orchestrators.policies.policy import Decision, Mechanism, Observation

WINDOW_S = 10
# Used shares of a server's capacity, or of its cores.
HIGH, LOW = 0.8, 0.5


def replicas(environment: Environment) -> "Replicas":
    """Horizontal scaling: each server has one core, the fewest measured ones above, or the task's part of the box."""
    variants, share_cores = versions_at(MOST_ACCURATE, environment), environment.share_cores
    enough = []
    for task, name in variants.items():
        whole = [one for one in environment.measured_cores(task, name, share_cores) if one >= 1]
        enough.append(min(whole, default=environment.reserved_cores(task, name)))
    cores = max(enough)
    capacity_rps = {task: environment.capacity_rps(task, name, cores) for task, name in variants.items()}
    return Replicas(variants, capacity_rps, cores, max(1, int(share_cores / cores)), environment.first_rps)


def vertical(environment: Environment) -> "Vertical":
    """Vertical scaling over the measured cores within the task's part of the box."""
    variants, capacity_rps = versions_at(MOST_ACCURATE, environment), {}
    for task, name in variants.items():
        steps = environment.measured_cores(task, name, environment.share_cores)
        capacity_rps[task] = {cores: environment.capacity_rps(task, name, cores) for cores in steps}
    return Vertical(variants, capacity_rps, environment.first_rps)


@dataclass(frozen=True)
class Replicas:
    """One version on the number of servers that the highest recent demand fills to a share of `HIGH`.

    `variants` names the version of each task, `capacity_rps` has the capacity of one server on `cores`, and `most` is
    the limit of servers for a task.
    """

    variants: Mapping[str, str]
    capacity_rps: Mapping[str, float]
    cores: float
    most: int
    first_rps: Mapping[str, float]
    mechanism = Mechanism(interval_s=WINDOW_S, reserves=True)

    def decide(self, _now_s: int, observation: Observation, /) -> Decision:
        """The number of servers of each task."""
        deployments = []
        for task, name in self.variants.items():
            demand = observation.demand_rps[task][-WINDOW_S:]
            rate_rps = float(demand.max()) if len(demand) else self.first_rps[task]
            count = min(max(1, math.ceil(rate_rps / (HIGH * self.capacity_rps[task]))), self.most)
            deployments.append(Deployment(task=task, variant=name, replicas=count, cores=self.cores, rate_rps=rate_rps))
        return Decision(deployments, "as many as the demand fills")


@dataclass(frozen=True)
class Vertical:
    """One version on one server, whose cores grow by a step above a use of `HIGH`, and shrink by one below `LOW`.

    The cores shrink only where the use of fewer cores stays below `HIGH`. The steps are the keys of `capacity_rps`. A
    task begins with the fewest cores that carry `first_rps`. Cores change in place, as in a running container.
    """

    variants: Mapping[str, str]
    capacity_rps: Mapping[str, Mapping[float, float]]
    first_rps: Mapping[str, float]
    mechanism = Mechanism(interval_s=WINDOW_S, reserves=True, in_place=True)

    def decide(self, _now_s: int, observation: Observation, /) -> Decision:
        """The cores of each task's server."""
        deployments = [
            Deployment(task=task, variant=name, cores=self._cores(task, observation), rate_rps=0)
            for task, name in self.variants.items()
        ]
        return Decision(deployments, "as many cores as are used")

    def _cores(self, task: str, observation: Observation) -> float:
        steps = sorted(self.capacity_rps[task])
        present = next((one.cores for one in observation.deployments if one.task == task), None)
        if present is None:
            enough = (one for one in steps if HIGH * self.capacity_rps[task][one] >= self.first_rps[task])
            return next(enough, steps[-1])
        used, place = float(observation.used_cores[task][-WINDOW_S:].mean()), steps.index(present)
        if used > HIGH * present:
            return steps[min(place + 1, len(steps) - 1)]
        fewer = steps[max(place - 1, 0)]
        return fewer if used < LOW * present and used < HIGH * fewer else present
