"""The problem (stages with variants by batch, a demand, a deadline) and the plan."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orchestrators.deployment import Deployment
from orchestrators.planners.common import Count, PlanBase, Positive, each_once, unique
from profiler.records.base import Value


class Variant(Value):
    """A variant with the cores of one replica, and its latency and throughput by measured batch."""

    name: str = Field(min_length=1)
    accuracy: float = Field(ge=0, le=1)
    cores: float = Field(gt=0)
    latency_ms: dict[Count, Positive] = Field(min_length=1)
    throughput_rps: dict[Count, Positive]

    @model_validator(mode="after")
    def has_both_figures(self) -> Self:
        """Raises `ValueError` where latencies and throughputs are of different batches."""
        if self.latency_ms.keys() != self.throughput_rps.keys():
            raise ValueError(
                f"{self.name} has latencies at batches {listed(self.latency_ms)} and throughputs at "
                f"{listed(self.throughput_rps)}: give both at each"
            )
        return self


class Stage(Value):
    """One task of the pipeline."""

    name: str = Field(min_length=1)
    variants: list[Variant] = Field(min_length=1)

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        """Raises `ValueError` for two variants of one name."""
        unique(f"variants of {self.name}", (one.name for one in self.variants))
        return self


class Problem(Value):
    """Stages that every request passes one after the other, within `deadline_ms` in all.

    `accuracy` is the rule for the accuracy of the pipeline from those of the stages; `alpha` weighs it, `beta` cores
    and `delta` inputs of a batch. `literal` takes the published code's constant for the time that requests wait for a
    batch to fill.
    """

    stages: Annotated[list[Stage], each_once("stages")] = Field(min_length=1)
    demand_rps: float = Field(ge=0)
    deadline_ms: float = Field(gt=0)
    accuracy: Literal["sum", "mean", "product"] = "sum"
    alpha: float = Field(default=2.0, ge=0)
    beta: float = Field(default=1.0, ge=0)
    delta: float = Field(default=1e-6, ge=0)
    literal: bool = False


def listed(batches: Iterable[int]) -> str:
    """The batches as text, in rising order."""
    return ", ".join(map(str, sorted(batches))) or "none"


class Plan(PlanBase):
    """The choices by stage, in the pipeline's order.

    `accuracy` is the pipeline's, `resource_cost` the cores of all replicas, `batch_cost` the inputs of all batches, and
    `latency_ms` the time of a request in the pipeline, the wait for full batches included.
    """

    variant: dict[str, str]
    batch: dict[str, int]
    replicas: dict[str, int]
    cores: dict[str, float]
    demand_rps: float
    objective: float
    accuracy: float
    resource_cost: float
    batch_cost: int
    latency_ms: float

    @property
    def deployments(self) -> list[Deployment]:
        """The deployments of the plan."""
        return [
            Deployment(
                task=stage,
                variant=name,
                replicas=self.replicas[stage],
                cores=self.cores[stage],
                batch=self.batch[stage],
                rate_rps=self.demand_rps,
            )
            for stage, name in self.variant.items()
        ]
