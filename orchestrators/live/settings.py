"""The settings of a live run, as `conf/orchestrate.yaml` has them."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrators.family import family
from orchestrators.live.choice import Fixed, Trivial, largest, smallest
from orchestrators.live.policy import Offer, Policy
from orchestrators.live.switching import ModelSwitching
from orchestrators.load import Load
from orchestrators.planners import trivial
from orchestrators.planners.trivial.problem import Metric
from porting.repository import Repository


class Proxy(BaseModel):
    """The NGINX before the servers, and the files of it that `Nginx` needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    endpoint: str
    servers_file: Path
    pid_file: Path


class Settings(BaseModel):
    """`conf/orchestrate.yaml`, with what is only implied filled in."""

    model_config = ConfigDict(frozen=True)
    repository: str
    public_key: Path | None
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
        demands = {} if self.load is None else self.load.demands(self.tasks)
        mean_rps = dict.fromkeys(self.tasks, 0.0) | {task: float(one.mean()) / servers for task, one in demands.items()}
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
