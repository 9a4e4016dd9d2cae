"""A plan by demand alone: the first rung whose limit is not exceeded, for the fluid model and for events."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from orchestrators.deployment import Deployment
from orchestrators.variant import Variant
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Rung:
    """A deployment of a variant, chosen while the demand is at most the share `use` of its capacity."""

    deployment: Deployment
    variant: Variant
    use: float

    @cached_property
    def line_s(self) -> tuple[float, float]:
        """α and β in s: a batch of b requests takes a replica α + βb on average."""
        batch = self.deployment.batch
        times_s = np.array(self.variant.service_s(batch, self.deployment.cores)) * math.exp(self.variant.spread**2 / 2)
        each_s = float(times_s[-1] - times_s[1]) / (batch - 1) if batch > 1 else 0.0
        return float(times_s[1]) - each_s, each_s

    @property
    def capacity_rps(self) -> float:
        """The highest rate in requests/s: all replicas run full batches without pause."""
        (fixed_s, each_s), batch = self.line_s, self.deployment.batch
        return self.deployment.replicas * batch / (fixed_s + batch * each_s)

    @property
    def limit_rps(self) -> float:
        """The highest demand in requests/s for which this rung is chosen."""
        return self.use * self.capacity_rps

    def kept_during_load(self, coming: "Rung", box_cores: float) -> float:
        """The share of its speed that it keeps while another rung loads."""
        loads = coming.deployment.replicas * coming.variant.loading_cores
        wanted_cores = self.deployment.replicas * self.deployment.cores + loads
        return 1.0 if wanted_cores <= box_cores else max(box_cores / wanted_cores, self.variant.kept(loads / box_cores))


@dataclass(frozen=True)
class Ladder:
    """Rungs for rising demands; the last rung serves all demands above its limit."""

    rungs: Sequence[Rung]

    def __post_init__(self) -> None:
        limits = [one.limit_rps for one in self.rungs]
        if not limits or limits != sorted(set(limits)):
            raise BadInputError(
                f"limits {limits} requests/s: give at least one rung, each for more than the one before"
            )

    def places(self, demand_rps: NDArray[np.float64]) -> NDArray[np.intp]:
        """The index of the rung for each demand."""
        return np.searchsorted([one.limit_rps for one in self.rungs[:-1]], demand_rps)

    def plan(self, demand_rps: float, _present: Sequence[Deployment]) -> list[Deployment]:
        """The deployment for this demand, in the form of a planner."""
        return [self.rungs[int(self.places(np.array([demand_rps]))[0])].deployment]
