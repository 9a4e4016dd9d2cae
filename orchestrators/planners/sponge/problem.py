"""The problem and the plan of Sponge."""

from typing import Annotated

from pydantic import Field

from orchestrators.deployment import Deployment
from orchestrators.planners.common import MS_PER_S, Count, PlanBase, Positive
from profiler.records.base import Value


class Problem(Value):
    """One variant, its demand, and the waiting requests.

    `latency_ms` has the time of a full batch by cores and then by batch, and so the possible choices. `remaining_ms`
    has the rest of each request's deadline, negative for a missed one. `cl_max_ms` is communication that the remaining
    deadlines do not include. `safety` is the share of a remaining deadline that may be used.
    """

    variant: str
    task: str = ""
    latency_ms: dict[Count, Annotated[dict[Count, Positive], Field(min_length=1)]] = Field(min_length=1)
    demand_rps: float = Field(ge=0)
    remaining_ms: list[float] = Field(min_length=1)
    cl_max_ms: float = Field(default=0.0, ge=0)
    delta: float = Field(default=0.01, ge=0)
    safety: float = Field(default=1.0, gt=0, le=1)

    def throughput_rps(self, cores: int, batch: int) -> float:
        """h(b, c): the rate of full batches without pause, in requests/s."""
        return MS_PER_S * batch / self.latency_ms[cores][batch]


class Plan(PlanBase):
    """The cores, the batch, and the moment of each answer.

    `order` has the requests in the order of service, by their indices in `remaining_ms`. `answered_ms` (from now) and
    `slack_ms` (the time that an answer could be later) have the same indices.
    """

    variant: str
    task: str
    cores: int
    batch: int
    objective: float
    latency_ms: float
    throughput_rps: float
    demand_rps: float
    order: list[int]
    answered_ms: list[float]
    slack_ms: list[float]

    @property
    def deployments(self) -> list[Deployment]:
        """The one instance that is scaled in place."""
        return [
            Deployment(
                task=self.task, variant=self.variant, cores=self.cores, batch=self.batch, rate_rps=self.demand_rps
            )
        ]
