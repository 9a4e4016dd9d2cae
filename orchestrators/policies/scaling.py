"""Baselines of the papers with the most accurate version: horizontal scaling, and vertical scaling by a threshold.

The tasks share the cores of a box evenly.
"""

import math
from collections.abc import Mapping

from orchestrators.deployment import Deployment
from orchestrators.policies.fixed import fronts, most_accurate
from orchestrators.policies.policy import Decision, Seen, Ways
from orchestrators.policies.world import World

WINDOW_S = 10
# Used shares of a server's capacity, or of its cores.
HIGH, LOW = 0.8, 0.5


def replicas(world: World) -> "Replicas":
    """Horizontal scaling: each server has one core, the fewest measured ones above, or the task's part of the box."""
    variants = most_accurate(fronts(world))
    cores = max(
        min(
            (one for one in world.measured_cores(task, name, world.share_cores) if one >= 1),
            default=world.reserved_cores(task, name),
        )
        for task, name in variants.items()
    )
    capacity_rps = {task: world.capacity_rps(task, name, cores) for task, name in variants.items()}
    return Replicas(variants, capacity_rps, cores, max(1, int(world.share_cores / cores)), world.first_rps)


def vertical(world: World) -> "Vertical":
    """Vertical scaling over the measured cores within the task's part of the box."""
    variants = most_accurate(fronts(world))
    capacity_rps = {
        task: {
            cores: world.capacity_rps(task, name, cores)
            for cores in world.measured_cores(task, name, world.share_cores)
        }
        for task, name in variants.items()
    }
    return Vertical(variants, capacity_rps, world.first_rps)


class Replicas:
    """One version on the number of servers that the highest recent demand fills to a share of `HIGH`.

    `variants` names the version of each task, `capacity_rps` has the capacity of one server on `cores`, and `most` is
    the limit of servers for a task.
    """

    def __init__(
        self,
        variants: Mapping[str, str],
        capacity_rps: Mapping[str, float],
        cores: float,
        most: int,
        first_rps: Mapping[str, float],
    ) -> None:
        self.ways = Ways(interval_s=WINDOW_S, reserves=True)
        self._variants, self._capacity_rps, self._cores = variants, capacity_rps, cores
        self._most, self._first_rps = most, first_rps

    def decide(self, _now_s: int, seen: Seen, /) -> Decision:
        """The number of servers of each task."""
        return Decision([self._one(task, seen) for task in self._variants], "as many as the demand fills")

    def _one(self, task: str, seen: Seen) -> Deployment:
        demand = seen.demand_rps[task][-WINDOW_S:]
        demand_rps = float(demand.max()) if len(demand) else self._first_rps[task]
        wanted = math.ceil(demand_rps / (HIGH * self._capacity_rps[task]))
        return Deployment(
            task=task,
            variant=self._variants[task],
            replicas=min(max(1, wanted), self._most),
            cores=self._cores,
            rate_rps=demand_rps,
        )


class Vertical:
    """One version on one server, whose cores grow by a step above a use of `HIGH`, and shrink by one below `LOW`.

    They shrink only where the use of fewer cores stays below `HIGH`. The steps are the keys of `capacity_rps`. A task
    begins with the fewest cores that carry `first_rps`. They change in place, as in a running container.
    """

    def __init__(
        self,
        variants: Mapping[str, str],
        capacity_rps: Mapping[str, Mapping[float, float]],
        first_rps: Mapping[str, float],
    ) -> None:
        self.ways = Ways(interval_s=WINDOW_S, reserves=True, in_place=True)
        self._variants, self._capacity_rps, self._first_rps = variants, capacity_rps, first_rps

    def decide(self, _now_s: int, seen: Seen, /) -> Decision:
        """The cores of each task's server."""
        deployments = [
            Deployment(task=task, variant=self._variants[task], cores=self._cores(task, seen), rate_rps=0)
            for task in self._variants
        ]
        return Decision(deployments, "as many cores as are used")

    def _cores(self, task: str, seen: Seen) -> float:
        steps = sorted(self._capacity_rps[task])
        present = next((one.cores for one in seen.deployments if one.task == task), None)
        if present is None:
            enough = (one for one in steps if HIGH * self._capacity_rps[task][one] >= self._first_rps[task])
            return next(enough, steps[-1])
        used, place = float(seen.used_cores[task][-WINDOW_S:].mean()), steps.index(present)
        if used > HIGH * present:
            return steps[min(place + 1, len(steps) - 1)]
        fewer = steps[max(place - 1, 0)]
        return fewer if used < LOW * present and used < HIGH * fewer else present
