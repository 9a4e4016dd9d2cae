"""Variants with figures of a test's own, and what a test sends them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrators.deployment import Deployment
from orchestrators.policies import Decision, Mechanism, Observation

TASK = "digits"
GENEROUS_S = 1e9


@dataclass
class Made:
    """Takes `fixed_s` for a batch and `each_s` for every request in it, on any number of cores."""

    accuracy: float = 0.9
    fixed_s: float = 0.01
    each_s: float = 0.0
    spread: float = 0.0
    loading_cores: float = 1.0
    loads_s: float = 0.5
    slope: float = 1.0

    def joined(self, batch: int, _cores: float, /) -> int:
        return batch

    def service_s(self, batch: int, cores: float) -> Sequence[float]:
        return [0.0, *((self.fixed_s + self.each_s * size) / cores for size in range(1, batch + 1))]

    def up_s(self, batch: int) -> float:
        return self.loads_s

    def kept(self, share: float) -> float:
        return 1 - self.slope * share


class Told:
    """Decides as the test says for each second, from 0 on."""

    def __init__(self, plans: dict[int, list[Deployment]], mechanism: Mechanism | None = None) -> None:
        self.mechanism, self._plans = mechanism or Mechanism(interval_s=1), plans
        self.seen: list[Observation] = []

    def decide(self, now_s: int, observation: Observation, /) -> Decision:
        self.seen.append(observation)
        return Decision(self._plans.get(now_s), "told")


def deployment(variant: str, task: str = TASK, **values: float) -> Deployment:
    """A deployment, by default of one replica on one core."""
    return Deployment.model_validate({"task": task, "variant": variant, "cores": 1.0, "rate_rps": 0.0, **values})


def poisson(rate_rps: float, seconds: int, seed: int = 0) -> NDArray[np.float64]:
    """Evenly spaced moments in s."""
    generator = np.random.default_rng(seed)
    return np.sort(generator.uniform(0, seconds, generator.poisson(rate_rps * seconds)))


def even(rate_rps: float, seconds: int) -> NDArray[np.float64]:
    """One request in the middle of each of equal gaps."""
    return (np.arange(rate_rps * seconds) + 0.5) / rate_rps
