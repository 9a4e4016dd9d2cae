"""The settings of a live run, as `conf/orchestrate.yaml` has them."""

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from orchestrators import trivial
from orchestrators.family import family
from orchestrators.live.choice import Fixed, Trivial, largest, smallest
from orchestrators.live.policy import Offer, Policy
from orchestrators.live.switching import ModelSwitching
from orchestrators.load import constant, manipulated, poisson_arrivals, read_trace
from orchestrators.trivial.problem import Metric
from porting.repository import Repository
from profiler.errors import BadInputError


class Proxy(BaseModel):
    """The NGINX before the servers, and the files of it that `Nginx` needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    endpoint: str
    servers_file: Path
    pid_file: Path


class Load(BaseModel):
    """What the clients send: a constant demand, or the first seconds of a trace scaled to the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    mean_rps: float | dict[str, float]
    seconds: int = Field(ge=1)
    trace: Path | None = None
    warm_up_s: int = Field(default=0, ge=0)
    seed: int = 0

    def mean_of(self, task: str) -> float:
        """Requests/s; raises `BadInputError` for a task that is left out."""
        if not isinstance(self.mean_rps, dict):
            return self.mean_rps
        if task not in self.mean_rps:
            raise BadInputError(f"load.mean_rps has none for {task}: give every task one, 0 if need be")
        return self.mean_rps[task]

    def schedules(self, tasks: list[str]) -> dict[str, np.ndarray]:
        """Sorted moments in s, by task; the same for the same seed."""
        return {task: poisson_arrivals(self._demand(task), self.seed + place) for place, task in enumerate(tasks)}

    def _demand(self, task: str) -> np.ndarray:
        demand = constant(1.0, self.seconds) if self.trace is None else read_trace(self.trace)
        if len(demand) < self.seconds:
            raise BadInputError(f"load.seconds={self.seconds}: {self.trace} has {len(demand)}, choose at most as many")
        return manipulated(demand[: self.seconds], self.mean_of(task), self.warm_up_s)


class Settings(BaseModel):
    """`conf/orchestrate.yaml`, with what is only implied filled in."""

    model_config = ConfigDict(frozen=True)
    repository: str
    target_name: str
    tasks: list[str] = Field(min_length=1)
    servers: list[str]
    cores: int = Field(ge=1)
    grpc_port: int | None = Field(ge=1024, le=65535)
    nginx: Proxy | None
    policy: Literal["trivial", "model_switching", "smallest", "largest"]
    metric: Metric
    cpu_limit: float = Field(gt=0, le=1)
    max_metric: dict[str, float] | None
    batch: int | None = Field(ge=1)
    deadline_ms: float = Field(gt=0)
    load: Load | None
    output: Path

    def problem(self, repository: Repository) -> trivial.Problem:
        """What one server has to decide over; raises where the repository does not tell all of it."""
        servers = max(1, len(self.servers))
        mean_rps = {task: 0.0 if self.load is None else self.load.mean_of(task) / servers for task in self.tasks}
        found = trivial.from_repository(
            repository,
            task=self.tasks,
            target=self.target_name,
            demand_rps=mean_rps,
            metric=self.metric,
            cpu_limit=self.cpu_limit,
            max_metric=self.max_metric,
            batch=self.batch or smallest_batch(repository, self.tasks, self.target_name),
        )
        # What it lacks for the policy shows only here.
        self.decides().first(Offer.of(repository, found, found.cores))
        return found

    def decides(self) -> Policy:
        """The policy for one server."""
        if self.policy == "model_switching":
            return ModelSwitching(self.target_name, self.deadline_ms)
        return Trivial() if self.policy == "trivial" else Fixed(largest if self.policy == "largest" else smallest)


def smallest_batch(repository: Repository, tasks: list[str], target: str) -> int:
    """The smallest batch whose throughput was measured of every version: a quick profile knows large ones alone."""
    measured = [
        {point.batch for point in one.profile.own(one.profile.max_throughput)}
        for task in tasks
        for one in family(repository, task, target)
    ]
    return min(set.intersection(*measured), default=1) if measured else 1
