"""Autoscaled virtual machines, each with one version on a target's own cores.

Paragon's comparison (WoSC'20, section 2.3) has two kinds: reactive ones scale when the demand exceeds the capacity, and
utilisation-aware ones when the CPU use exceeds a threshold (80 % in most systems). Machines start within the time that
the user states, so both kinds are late; the second kind starts machines earlier and holds more than it needs.
"""

import math
from collections.abc import Mapping
from typing import Literal

from orchestrators.deployment import Deployment
from orchestrators.policies.fixed import fronts, most_accurate
from orchestrators.policies.policy import Decision, Seen, Ways
from orchestrators.policies.world import World
from profiler.common.errors import BadInputError

INTERVAL_S, WINDOW_S, THRESHOLD = 10, 10, 0.8
# A machine is stopped after this time without need for it.
COOL_DOWN_S = 60
Signal = Literal["demand", "use"]


def reactive_vms(world: World) -> "Machines":
    """Machines that scale by the demand."""
    return machines(world, "demand")


def utilisation_vms(world: World) -> "Machines":
    """Machines that scale by the CPU use."""
    return machines(world, "use")


def machines(world: World, signal: Signal) -> "Machines":
    """The policy with the most accurate version of each task; a machine has all cores of the target."""
    variants, cores = most_accurate(fronts(world)), world.own_cores
    capacity_rps = {task: world.capacity_rps(task, name, cores) for task, name in variants.items()}
    return Machines(signal, variants, capacity_rps, cores, start_up_s(world), world.first_rps)


def start_up_s(world: World) -> float:
    """The start-up time of a machine as the user states it; raises `BadInputError` without it."""
    price = next(iter(world.families.values()))[0].profile.target.price
    if price is None or price.start_up_s is None:
        raise BadInputError(
            f"the target {world.target} states no start_up_s: state price: {{currency: …, as_of: …, start_up_s: …}} in "
            f"conf/target/{world.target}.yaml, then stage=profile,publish"
        )
    return price.start_up_s


class Machines:
    """A policy over machines, of which each task has at least one; `capacity_rps` is that of one machine, by task."""

    def __init__(
        self,
        signal: Signal,
        variants: Mapping[str, str],
        capacity_rps: Mapping[str, float],
        cores: float,
        start_up_s: float,
        first_rps: Mapping[str, float],
    ) -> None:
        self.ways = Ways(interval_s=INTERVAL_S, reserves=True, start_up_s=start_up_s)
        self._needed = {"demand": self._for_demand, "use": self._for_use}[signal]
        self._variants, self._capacity_rps, self._cores = variants, capacity_rps, cores
        self._first_rps = first_rps
        self._recent: dict[str, list[int]] = {task: [] for task in variants}

    def decide(self, _now_s: int, seen: Seen, /) -> Decision:
        """The number of machines of each task."""
        deployments = [
            Deployment(
                task=task, variant=self._variants[task], replicas=self._count(task, seen), cores=self._cores, rate_rps=0
            )
            for task in self._variants
        ]
        return Decision(deployments, "as many machines as are needed, or were until lately")

    def _count(self, task: str, seen: Seen) -> int:
        """The number of machines that are needed, or were at any time of the cool-down."""
        present = next((one.replicas for one in seen.deployments if one.task == task), 0)
        if not present:
            return max(1, math.ceil(self._first_rps[task] / self._capacity_rps[task]))
        needed = max(1, self._needed(task, seen))
        self._recent[task] = [*self._recent[task], needed][-COOL_DOWN_S // INTERVAL_S :]
        return max(needed, min(present, max(self._recent[task])))

    def _for_demand(self, task: str, seen: Seen) -> int:
        return math.ceil(float(seen.demand_rps[task][-WINDOW_S:].mean()) / self._capacity_rps[task])

    def _for_use(self, task: str, seen: Seen) -> int:
        """The number of machines whose CPU use is at the threshold, those that still start included."""
        used_cores = float(seen.used_cores[task][-WINDOW_S:].mean())
        return math.ceil(used_cores / (THRESHOLD * self._cores))
