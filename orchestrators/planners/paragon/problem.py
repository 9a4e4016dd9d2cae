"""The problem and the plan of Paragon: classes of queries, variants with VMs and functions, prices, choices."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from orchestrators.deployment import Deployment
from orchestrators.planners.common import MS_PER_S, S_PER_HOUR, PlanBase, Rate, each_once
from profiler.records.base import Value

BOUNDS = ("min_accuracy", "max_latency_ms", "max_cost_per_hour")


class QueryClass(Value):
    """The queries of one application: their rates in equal samples of `step_s`, and at least two of three bounds.

    A `strict` latency may be met by serverless functions when the VMs are full; otherwise the queries wait.
    """

    name: str
    task: str
    rates_rps: list[Rate] = Field(min_length=1)
    step_s: float = Field(default=1.0, gt=0)
    min_accuracy: float | None = Field(default=None, ge=0, le=1)
    max_latency_ms: float | None = Field(default=None, gt=0)
    max_cost_per_hour: float | None = Field(default=None, ge=0)
    strict: bool = True

    @model_validator(mode="after")
    def two_bounds(self) -> Self:
        """Raises `ValueError` where fewer than two figures are bounded."""
        given = [name for name in BOUNDS if getattr(self, name) is not None]
        if len(given) < 2:
            stated = given[0] if given else "none of them"
            raise ValueError(f"class {self.name} bounds {stated}: bound two of {', '.join(BOUNDS)}, the third follows")
        return self


class Vm(Value):
    """A VM that serves a variant: its capacity within `latency_ms`, and its price. `target` is the kind of VM."""

    target: str
    cores: float = Field(gt=0)
    per_hour: float = Field(ge=0)
    latency_ms: float = Field(gt=0)
    rate_rps: float = Field(gt=0)


class Function(Value):
    """A serverless function of a memory size (GB of 2^30 bytes) and its latency for one input."""

    memory_gb: float = Field(gt=0)
    latency_ms: float = Field(gt=0)


class Variant(Value):
    """A model with the VMs and functions that can run it; a function needs at least `memory_gb`."""

    name: str
    task: str
    accuracy: float = Field(ge=0, le=1)
    vms: list[Vm] = Field(min_length=1)
    functions: list[Function] = Field(default=[])
    memory_gb: float = Field(default=0.0, ge=0)


class Serverless(Value):
    """The prices of functions, and the start-up time of a cold one."""

    per_gb_s: float = Field(ge=0)
    per_call: float = Field(ge=0)
    start_up_s: float | None = Field(default=None, ge=0)

    def per_hour(self, function: Function, rate_rps: float) -> float:
        """The cost of `rate_rps` calls/s for an hour."""
        gb_s = function.memory_gb * function.latency_ms / MS_PER_S
        return S_PER_HOUR * rate_rps * (self.per_call + gb_s * self.per_gb_s)


class Problem(Value):
    """The problem; without `serverless` all queries run on VMs, and `cold` adds the start-up to functions' latency."""

    classes: Annotated[list[QueryClass], each_once("classes")] = Field(min_length=1)
    variants: Annotated[list[Variant], each_once("variants")] = Field(min_length=1)
    serverless: Serverless | None = None
    peak_to_median: float = Field(default=1.5, ge=1)
    cold: bool = False

    @model_validator(mode="after")
    def known_tasks(self) -> Self:
        """Raises `ValueError` for a class of a task without variants."""
        tasks = sorted({one.task for one in self.variants})
        for one in self.classes:
            if one.task not in tasks:
                raise ValueError(f"class {one.name} is of the task {one.task!r}: choices are {', '.join(tasks)}")
        return self

    @model_validator(mode="after")
    def start_up_where_it_counts(self) -> Self:
        """Raises `ValueError` where `cold` needs a start-up time that is not stated."""
        if self.cold and self.serverless is not None and self.serverless.start_up_s is None:
            raise ValueError("cold=True counts the functions' start-up, which is unknown: state start_up_s")
        return self


class Choice(Value):
    """The model of a class and its resources: `vms` VMs, and functions where `function` is not null.

    `vm_rps` and `overflow_rps` are the mean rates of the VMs and of the functions. The latency is the longer of both,
    for a relaxed class with the longest wait. `peak_to_median` is null where only the median is 0.
    """

    query_class: str
    task: str
    variant: str
    accuracy: float
    latency_ms: float
    vm: Vm
    vms: int = Field(ge=0)
    function: Function | None
    vm_rps: float = Field(ge=0)
    overflow_rps: float = Field(ge=0)
    vm_cost_per_hour: float
    serverless_cost_per_hour: float
    peak_to_median: float | None

    @property
    def cost_per_hour(self) -> float:
        """The cost of the VMs and of the functions."""
        return self.vm_cost_per_hour + self.serverless_cost_per_hour


class Plan(PlanBase):
    """A choice for each class; the objective is the cost of all for an hour."""

    choices: list[Choice]
    objective: float

    @property
    def deployments(self) -> list[Deployment]:
        """The deployments on VMs; functions exist only while they are called."""
        return [
            Deployment(task=one.task, variant=one.variant, replicas=one.vms, cores=one.vm.cores, rate_rps=one.vm_rps)
            for one in self.choices
            if one.vms
        ]
