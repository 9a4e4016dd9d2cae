"""What the papers compare with: one version fixed, replicas only, and vertical scaling by a threshold.

Each serves every task with one version. A box's cores are shared evenly among the tasks where a baseline reserves them.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from orchestrators.deployment import Deployment
from orchestrators.simulation.policy import Seen, Ways
from orchestrators.simulation.variant import Catalogue, Variant

WINDOW_S = 10
# Of a server's capacity, or of the cores, in use.
HIGH, LOW = 0.8, 0.5
MS_PER_S = 1e3


def largest(catalogue: Catalogue) -> dict[str, str]:
    """The most accurate variant of every task."""
    return best(catalogue, lambda variant: variant.accuracy)


def smallest(catalogue: Catalogue, cores: float) -> dict[str, str]:
    """The quickest variant of every task for a single request."""
    return best(catalogue, lambda variant: -variant.service_s(1, cores)[1])


def best(catalogue: Catalogue, key: Callable[[Variant], float]) -> dict[str, str]:
    tasks = {task for task, _ in catalogue}
    return {
        task: max((name for owner, name in catalogue if owner == task), key=lambda name: key(catalogue[task, name]))
        for task in sorted(tasks)
    }


class Fixed:
    """The same deployments from beginning to end."""

    ways, infeasible = Ways(interval_s=60), 0

    def __init__(self, name: str, deployments: Sequence[Deployment]) -> None:
        self.name, self._deployments = name, deployments

    def decide(self, _now_s: int, _seen: Seen, /) -> Sequence[Deployment]:
        return self._deployments


class Replicas:
    """One version on as many servers as the highest demand of the last seconds fills up to a share `HIGH`.

    `variants` names the version by task, `capacity_rps` what one server of it on `cores` carries, `most` how many
    servers a task may have.
    """

    infeasible = 0

    def __init__(
        self,
        variants: Mapping[str, str],
        capacity_rps: Mapping[str, float],
        cores: float,
        most: int,
        first_rps: Mapping[str, float],
    ) -> None:
        self.name, self.ways = "replicas", Ways(interval_s=WINDOW_S)
        self._variants, self._capacity_rps, self._cores = variants, capacity_rps, cores
        self._most, self._first_rps = most, first_rps

    def decide(self, _now_s: int, seen: Seen, /) -> list[Deployment]:
        return [self._one(task, seen) for task in self._variants]

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
    """One version on one server, whose cores go a step up above a use of `HIGH` and down where the use stays below it.

    `steps` are the numbers of cores that a server may have; a task begins with the fewest that carry `first_rps`. They
    change in place, as those of a running container can.
    """

    infeasible = 0

    def __init__(
        self,
        variants: Mapping[str, str],
        capacity_rps: Mapping[str, Mapping[float, float]],
        first_rps: Mapping[str, float],
    ) -> None:
        self.name, self.ways = "vertical", Ways(interval_s=WINDOW_S, in_place=True)
        self._variants, self._capacity_rps, self._first_rps = variants, capacity_rps, first_rps

    def decide(self, _now_s: int, seen: Seen, /) -> list[Deployment]:
        return [
            Deployment(task=task, variant=self._variants[task], cores=self._cores(task, seen), rate_rps=0)
            for task in self._variants
        ]

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
