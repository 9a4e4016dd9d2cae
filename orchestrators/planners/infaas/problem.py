"""The problem and the plan of INFaaS: demands, variants and limits of resources."""

import re
from operator import attrgetter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orchestrators.deployment import Deployment
from orchestrators.planners.common import PlanBase, each_once
from profiler.records.base import Value

# The form of `Variant.key`.
KEY = re.compile(r".+@.+/cores=.+/batch=\d+")


class Variant(Value):
    """A network on a target, each instance with `cores` and batches of up to `batch` inputs.

    `latency_ms` is that of a full batch, `rate_rps` the saturation throughput of one instance in inputs/s, `load_s` the
    time until it is ready, `cost` its cost for an hour (in money, or in cores where no price is stated). `running`
    instances run now and get `given_rps` together.
    """

    name: str
    task: str
    target: str
    cores: float = Field(gt=0)
    batch: int = Field(default=1, ge=1)
    accuracy: float = Field(ge=0, le=1)
    latency_ms: float = Field(gt=0)
    rate_rps: float = Field(gt=0)
    load_s: float = Field(ge=0)
    cost: float = Field(ge=0)
    memory_bytes: int | None = Field(default=None, gt=0)
    running: int = Field(default=0, ge=0)
    given_rps: float = Field(default=0.0, ge=0)

    @property
    def key(self) -> str:
        """The name of the variant, unique among the variants of a network."""
        return f"{self.name}@{self.target}/cores={self.cores:g}/batch={self.batch}"

    def meets(self, accuracy: float, latency_ms: float) -> bool:
        """Whether it has this accuracy, and answers a full batch within this latency."""
        return self.accuracy >= accuracy and self.latency_ms <= latency_ms


class Demand(Value):
    """The load of a task in inputs/s, with the least accuracy and the longest inference latency that serve it."""

    task: str
    rate_rps: float = Field(ge=0)
    accuracy: float = Field(default=0.0, ge=0, le=1)
    latency_ms: float = Field(gt=0)


class Limit(Value):
    """The limits of all instances on a target together; memory is unlimited without a figure."""

    target: str
    cores: float = Field(gt=0)
    memory_bytes: int | None = Field(default=None, gt=0)


class Problem(Value):
    """One decision of the autoscaler, for all tasks that share the targets.

    `slack` is the capacity per load that is kept (the paper's 1.05), `load_weight_per_s` the λ of the objective, and
    `load_priced` whether it multiplies the price of the loading instances (the paper) or not (the slides).
    """

    demands: Annotated[list[Demand], each_once("tasks with a demand", attrgetter("task"))] = Field(min_length=1)
    variants: Annotated[list[Variant], each_once("variants", attrgetter("key"))] = Field(min_length=1)
    limits: Annotated[list[Limit], each_once("targets with a limit", attrgetter("target"))] = Field(min_length=1)
    slack: float = Field(default=1.05, ge=1)
    load_weight_per_s: float = Field(default=1 / 60, ge=0)
    load_priced: bool = True

    @model_validator(mode="after")
    def has_counterparts(self) -> Self:
        """Raises `ValueError` where a task or target lacks its counterpart, or a variant its memory."""
        tasks, demanded = {one.task for one in self.variants}, {one.task for one in self.demands}
        paired("task", "demand (a rate of 0 will do)", tasks, demanded)
        paired("task", "variant", demanded, tasks)
        paired("target", "limit", {one.target for one in self.variants}, {one.target for one in self.limits})
        bounded = {one.target for one in self.limits if one.memory_bytes is not None}
        for one in self.variants:
            if one.target in bounded and one.memory_bytes is None:
                raise ValueError(f"the memory of {one.target} is bounded and that of {one.key} unknown: state it")
        return self

    def need_rps(self, demand: Demand) -> float:
        """The needed capacity: the load with its slack."""
        return self.slack * demand.rate_rps

    def load_cost(self, variant: Variant) -> float:
        """The cost of loading one instance in the objective."""
        return self.load_weight_per_s * variant.load_s * (variant.cost if self.load_priced else 1.0)

    def serves(self, variant: Variant, demand: Demand) -> bool:
        """Whether the variant meets the accuracy and the latency of the demand."""
        return variant.task == demand.task and variant.meets(demand.accuracy, demand.latency_ms)


def paired(what: str, part: str, named: set[str], there: set[str]) -> None:
    """Raises `ValueError` for a name without its counterpart."""
    for name in sorted(named - there):
        raise ValueError(f"{what} {name} has no {part}: state one; there is one for {', '.join(sorted(there))}")


Action = Literal["keep", "replicate", "remove", "upgrade", "downgrade"]


class Scaling(Value):
    """The planned number of instances of a variant, and the rate that they serve together."""

    variant: Variant
    count: int = Field(ge=0)
    rate_rps: float = Field(ge=0)

    @property
    def change(self) -> int:
        """Instances to load (positive) or to unload: the δ of the program."""
        return self.count - self.variant.running


class Plan(PlanBase):
    """The instances of every variant that runs, now or by the plan; the objective is the sum of its two terms.

    `hardware_cost` is that of all instances for an hour, `load_cost` the weighted load latency of the new ones.
    `actions` has the change of each task: more or fewer of the same variants, or other ones with more capacity
    (upgrade) or with less (downgrade).
    """

    scalings: list[Scaling]
    actions: dict[str, Action]
    objective: float
    hardware_cost: float
    load_cost: float

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of instances by key of variant."""
        return {one.variant.key: one.count for one in self.scalings}

    @property
    def deployments(self) -> list[Deployment]:
        """The deployments of the plan."""
        return [
            Deployment(task=one.variant.task, variant=one.variant.name, replicas=one.count, cores=one.variant.cores,
                       batch=one.variant.batch, rate_rps=one.rate_rps)
            for one in self.scalings
            if one.count
        ]  # fmt: skip
