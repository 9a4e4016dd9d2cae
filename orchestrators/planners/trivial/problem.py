"""The problem and the plan of the trivial policy: tasks with versions and demands, and a CPU limit."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from orchestrators.deployment import Deployment
from orchestrators.planners.common import MS_PER_S, PlanBase, each_once, unique
from profiler.common.errors import BadInputError
from profiler.records.base import Value

Metric = Literal["inverse_throughput", "latency", "flops"]
METRICS: tuple[Metric, ...] = get_args(Metric)
UNITS: dict[Metric, str] = {"inverse_throughput": "s", "latency": "s", "flops": "FLOPs"}


class Version(Value):
    """A version of a task; `images_per_s` is its maximal throughput on all cores.

    `latency_ms` and `flops`, of one request, may be absent where they are not the problem's metric.
    """

    name: str = Field(min_length=1)
    accuracy: float = Field(ge=0, le=1)
    images_per_s: float = Field(gt=0)
    latency_ms: float | None = Field(default=None, gt=0)
    flops: float | None = Field(default=None, gt=0)

    def per_request(self, metric: Metric) -> float:
        """The metric of one request, in seconds or FLOPs; raises `ValueError` where it is unknown."""
        if metric == "inverse_throughput":
            return 1 / self.images_per_s
        field, value = ("latency_ms", self.latency_ms) if metric == "latency" else ("flops", self.flops)
        if value is None:
            raise ValueError(f"version {self.name!r} has no {field}, which metric={metric} needs: give it, or a metric "
                             f"of {', '.join(METRICS)} that every version has")  # fmt: skip
        return value / MS_PER_S if metric == "latency" else value


class Task(Value):
    """A task's versions and its demand. Only versions below `max_metric`, in the metric's unit, are considered.

    The limit is the maximal-metric policy of the thesis, for a demand that may rise from 0 above the capacity of the
    large versions.
    """

    name: str = Field(min_length=1)
    versions: tuple[Version, ...] = Field(min_length=1)
    demand_rps: float = Field(ge=0)
    max_metric: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def versions_are_unique_and_accurate(self) -> Self:
        """Raises `ValueError` for two versions of one name, and where no accuracy is above 0."""
        unique(f"versions of task {self.name!r}", (one.name for one in self.versions))
        if self.best_accuracy == 0:
            raise ValueError(f"no version of task {self.name!r} has an accuracy above 0: nothing to normalise by")
        return self

    @property
    def best_accuracy(self) -> float:
        """The accuracy of the best version, considered or not, by which accuracies are normalised."""
        return max(one.accuracy for one in self.versions)


class Problem(Value):
    """The choice of one version for each task, with an expected CPU use of at most the share `cpu_limit` of `cores`."""

    tasks: Annotated[tuple[Task, ...], each_once("tasks")] = Field(min_length=1)
    metric: Metric = "inverse_throughput"
    cpu_limit: float = Field(default=0.65, gt=0, le=1)
    cores: float = Field(default=1.0, gt=0)
    literal: bool = False

    @model_validator(mode="after")
    def versions_have_the_metric(self) -> Self:
        """Raises `ValueError` for a version without the metric."""
        for task in self.tasks:
            for version in task.versions:
                version.per_request(self.metric)
        return self

    def with_demand(self, demand_rps: Mapping[str, float]) -> "Problem":
        """The same problem under this demand by task; raises `BadInputError` where a task is unknown or missing."""
        names = [task.name for task in self.tasks]
        if set(names) != set(demand_rps):
            raise BadInputError(f"demand for {sorted(demand_rps)}: give one for each of {', '.join(names)}")
        return self.of([
            Task(name=one.name, versions=one.versions, demand_rps=demand_rps[one.name], max_metric=one.max_metric)
            for one in self.tasks
        ])  # fmt: skip

    def on_cores(self, cores: float) -> "Problem":
        """The same problem on a server with fewer cores than the profile, where every version is slower."""
        part = min(1.0, cores / self.cores)

        def slower(version: Version) -> Version:
            return version.model_copy(update={"images_per_s": version.images_per_s * part})

        return self.of(one.model_copy(update={"versions": tuple(map(slower, one.versions))}) for one in self.tasks)

    def of(self, tasks: Iterable[Task]) -> "Problem":
        """The same problem with these tasks."""
        return Problem(**(dict(self) | {"tasks": tuple(tasks)}))


class Plan(PlanBase):
    """A version for each task. `objective` is the system's normalised accuracy, `accuracy` each task's part of it.

    `cpu_share` is each task's expected share of the common cores; `step` is the number of steps down the chain.
    """

    versions: dict[str, str]
    objective: float
    accuracy: dict[str, float]
    cpu_share: dict[str, float]
    expected_cpu_share: float
    cpu_limit: float
    step: int
    rate_rps: dict[str, float]
    cores: float

    @property
    def deployments(self) -> list[Deployment]:
        """The models of one server, each with all cores."""
        return [
            Deployment(task=task, variant=name, cores=self.cores, rate_rps=self.rate_rps[task])
            for task, name in self.versions.items()
        ]
