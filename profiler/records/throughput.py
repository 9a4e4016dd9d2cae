"""The throughput under a closed loop: its energy, its contention with another model, and its spread over repeats."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from profiler.records.base import Count, Record, Timed, Value, Verdict
from profiler.records.place import pixels


class Blocks(Value):
    """The slices of a throughput in a few blocks: inputs answered, seconds, and inferences of the reference beside."""

    counted: tuple[float, ...]
    seconds: tuple[float, ...]
    references: tuple[float, ...]

    def __add__(self, other: "Blocks") -> "Blocks":
        """The blocks of both."""
        return Blocks(
            counted=self.counted + other.counted,
            seconds=self.seconds + other.seconds,
            references=self.references + other.references,
        )


class Visit(Timed):
    """A closed loop at a place of the first visit, measured in round `visit` of the run.

    A run measures its models in rounds, and each round visits every model, so the visits to one model lie apart. A
    maximum and a latency are of all undisturbed visits together.
    """

    identity: ClassVar[tuple[str, ...]] = (
        "runtime", "batch", "concurrency", "cores", "threads", "instances", "visit",
    )  # fmt: skip
    offered: Literal["closed loop"] = "closed loop"
    batch: Count
    concurrency: Count
    visit: int = Field(ge=2)
    blocks: Blocks
    n: int = Field(ge=0)
    p50_ms: float | None = Field(gt=0)
    relative_p50: float | None = Field(gt=0)


class Energy(Record):
    """The energy of whole processor packages (RAPL) or whole GPUs (NVML) during `n` inferences, idle power included."""

    source: Literal["rapl", "nvml"]
    n: int = Field(ge=0)
    seconds: float = Field(gt=0)
    joules: float | None = Field(ge=0)
    joules_per_inference: float | None = Field(ge=0)


class ThroughputPoint(Timed):
    """The inputs answered per second under a closed loop of `concurrency` requests of `batch` inputs each.

    `images_per_s` is the rate over all undisturbed slices, as delivered. Its 95 % interval contains the machine's drift
    between moments. `relative_throughput` is the number of inputs answered while the reference network answers one, in
    the same moments: it compares networks on one target, as drift meets both alike. `noise.reference` says where the
    reference ran. `client_cpu_share` is the load generator's use of one core.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "concurrency", "cores", "threads", "instances")
    offered: Literal["closed loop"] = "closed loop"
    batch: Count
    concurrency: Count
    slices: int = Field(ge=1)
    images_per_s: float = Field(gt=0)
    low_images_per_s: float | None = Field(gt=0)
    high_images_per_s: float | None = Field(gt=0)
    relative_throughput: float = Field(gt=0)
    low_relative_throughput: float | None = Field(gt=0)
    high_relative_throughput: float | None = Field(gt=0)
    answers: int = Field(ge=1)
    server_answers: int | None = Field(ge=0)
    client_cpu_share: float = Field(ge=0)
    verdict: Verdict
    verdict_reason: str


class SizePoint(ThroughputPoint):
    """The throughput with inputs of one size, of a file that leaves the size open, and the memory of such a batch.

    The callers are those of the maximum with the first size. `peak_bytes` is that of a process that only answers this
    batch. The latencies of a size are in the table of latencies.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "input_shape", "cores", "threads", "instances")
    input_shape: tuple[int, ...]
    peak_bytes: int | None = Field(gt=0)

    @property
    def pixels(self) -> int:
        """The height times the width of the input."""
        return pixels(self.input_shape)


class MaximalThroughput(ThroughputPoint):
    """The maximum of a batch size on the given resources, measured again after its concurrency was found.

    The best of many short measurements is biased upwards, so it does not count itself. The rates are over the
    undisturbed ones of all `visits`, which lie apart. `blocks` are those of the first visit, and the profile has a
    record of each later one. It is `saturated` where more concurrency brought no more answers. The upper ends of its
    intervals reach `searched_relative_throughput`, the highest of the search at another concurrency (0 where none was
    searched), as the search may have missed the best one by so much.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances")
    saturated: bool
    searched_relative_throughput: float = Field(default=0.0, ge=0)
    visits: int = Field(default=1, ge=1)
    blocks: Blocks
    server_cores_used: float | None = Field(ge=0)
    core_s_per_inference: float | None = Field(ge=0)
    energy: Energy

    def is_disturbed(self) -> bool:
        """Whether too few slices of all visits were undisturbed for a comparison."""
        return self.verdict == "disturbed"

    def is_wanted_again(self) -> bool:
        """Whether every visit was disturbed; one that was not has given the figure already."""
        return self.is_disturbed()


class Contention(Timed):
    """A closed loop's throughput beside another model called at a steady rate, and alone, in turn.

    `beside` names the other model: another variant of the task, or the reference network where there is none. `factor`
    is the throughput beside it over the throughput alone; ideal sharing would give 1 − `share`.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "share", "batch", "cores", "threads", "instances")
    offered: Literal["closed loop"] = "closed loop"
    beside: str
    share: float = Field(gt=0, lt=1)
    batch: Count
    concurrency: Count
    slices: int = Field(ge=1)
    alone_images_per_s: float = Field(gt=0)
    images_per_s: float = Field(gt=0)
    factor: float = Field(gt=0)
    factor_low: float | None = Field(gt=0)
    factor_high: float | None = Field(gt=0)
    other_max_per_s: float = Field(gt=0)
    other_offered_per_s: float = Field(gt=0)
    other_answered_per_s: float = Field(ge=0)
    cores_used: float | None = Field(ge=0)
    alone_cores_used: float | None = Field(ge=0)
    client_cpu_share: float = Field(ge=0)
    verdict: Verdict
    verdict_reason: str


SERIES = (
    "images_per_s", "relative_throughput", "reference_per_s",
    "latency_p50_ms", "latency_mean_ms", "relative_latency_p50",
)  # fmt: skip


class Repeats(Timed):
    """Repeated measurements of one throughput and one latency: one value for each repeat, in their order.

    Load, latency and reference take turns within a repeat. `cv` is the standard deviation over the mean.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances", "repeats")
    offered: Literal["closed loop"] = "closed loop"
    batch: Count
    concurrency: Count
    repeats: int = Field(ge=2)
    repeat_s: float = Field(gt=0)
    images_per_s: tuple[float, ...]
    relative_throughput: tuple[float, ...]
    images_per_s_cv: float = Field(ge=0)
    relative_throughput_cv: float = Field(ge=0)
    latency_runtime: str
    latency_p50_ms: tuple[float, ...]
    relative_latency_p50: tuple[float, ...]
    latency_mean_ms: tuple[float, ...]
    latency_p50_cv: float = Field(ge=0)
    relative_latency_p50_cv: float = Field(ge=0)
    latency_mean_cv: float = Field(ge=0)
    reference_per_s: tuple[float, ...]

    @model_validator(mode="after")
    def every_series_has_each_repeat(self) -> Self:
        """The record itself; raises `ValueError` where a series has another length than `repeats`."""
        lengths = {name: len(getattr(self, name)) for name in SERIES}
        if set(lengths.values()) != {self.repeats}:
            raise ValueError(f"{self.repeats} repeats, and series of lengths {lengths}")
        return self
