"""The load of every task: a constant demand, steps, or a sample of a trace that is changed as in the thesis."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestrators.load.demand import Steps, constant, poisson_arrivals
from orchestrators.load.manipulation import macro_trend, manipulated, random_sample, scaled_to_mean
from orchestrators.load.trace_files import LIMIT_LINES, read_trace
from profiler.common.errors import BadInputError

USUAL_SECONDS = 600
# A longer part of a trace takes hours, so the user has to state `seconds`.
LONGEST_DEFAULT_S = 86400


class Load(BaseModel):
    """The settings of a load.

    `mean_rps` is the mean over all `seconds`, warm-up and trend included; `None` keeps the mean of the trace's sample.
    Each task has its own sample of the trace and its own macro trend, both drawn by `seed`. `trend` is the largest
    distance of the trend from the mean, as a share of the mean. `seconds` default to the length of the trace (at most
    a day), and to 600 without a trace. `steps` replace the other shapes and are alike for each task; the steps that
    end within `seconds` are sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    mean_rps: float | dict[str, float] | None = None
    seconds: int | None = Field(default=None, ge=1, le=LIMIT_LINES)
    trace: Path | None = None
    steps: Steps | None = None
    warm_up_s: int = Field(default=0, ge=0, le=LIMIT_LINES)
    trend: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def some_demand(self) -> Self:
        """Raises `ValueError` where no demand is given, and for steps together with another demand."""
        shaped = self.mean_rps is not None or self.trace is not None
        if self.steps is not None and (shaped or self.warm_up_s or self.trend):
            raise ValueError("steps are the whole demand: leave out the trace, the mean, the warm-up and the trend")
        if self.steps is None and not shaped:
            raise ValueError("no demand: give a trace, steps, or mean_rps for a constant one")
        return self

    def demands(self, tasks: Sequence[str]) -> dict[str, np.ndarray]:
        """Requests/s in each second (seconds,), by task; the same for the same seed.

        Raises `BadInputError` for a task without a mean, for a trace that is too short or all 0, and for fewer seconds
        than one step takes.
        """
        if self.steps is not None:
            return dict.fromkeys(tasks, self.steps.demand_rps(self.seconds or USUAL_SECONDS))
        seeds = self._seeds(tasks)
        return {task: self._demand(self._mean_rps(task), *seeds[task][:2]) for task in tasks}

    def schedules(self, tasks: Sequence[str]) -> dict[str, np.ndarray]:
        """The arrival schedule of each task: sorted moments in s."""
        demands, seeds = self.demands(tasks), self._seeds(tasks)
        return {task: poisson_arrivals(demands[task], seeds[task][2]) for task in tasks}

    def _seeds(self, tasks: Sequence[str]) -> dict[str, list[np.random.SeedSequence]]:
        """Three independent seeds for each task: of its sample, its trend and its arrivals."""
        own = np.random.SeedSequence(self.seed).spawn(len(tasks))
        return {task: seed.spawn(3) for task, seed in zip(tasks, own, strict=True)}

    def _mean_rps(self, task: str) -> float | None:
        if not isinstance(self.mean_rps, dict):
            return self.mean_rps
        if task not in self.mean_rps:
            raise BadInputError(f"load.mean_rps has none for {task}: give every task one, 0 if need be")
        return self.mean_rps[task]

    def _demand(
        self, mean_rps: float | None, sample_seed: np.random.SeedSequence, trend_seed: np.random.SeedSequence
    ) -> np.ndarray:
        sample = self._sample(sample_seed)
        moving_s = len(sample) - self.warm_up_s
        trend = macro_trend(moving_s, self.trend, trend_seed) if self.trend and moving_s > 0 else None
        shape = manipulated(sample, 1.0, self.warm_up_s, trend)
        return scaled_to_mean(shape, float(sample.mean()) if mean_rps is None else mean_rps)

    def _sample(self, seed: np.random.SeedSequence) -> np.ndarray:
        if self.trace is None:
            return constant(1.0, self.seconds or USUAL_SECONDS)
        demand = read_trace(self.trace)
        if self.seconds is not None and self.seconds > len(demand):
            raise BadInputError(f"seconds={self.seconds}: {self.trace} has {len(demand)}, choose at most as many")
        if self.seconds is None and len(demand) > LONGEST_DEFAULT_S:
            raise BadInputError(f"{self.trace} has {len(demand)} s, more than a day: give seconds, at most as many")
        return random_sample(demand, self.seconds or len(demand), seed)
