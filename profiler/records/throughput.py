"""The throughput under a closed loop: its energy, its contention with another model, and its spread over repeats."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from profiler.records.base import Count, Record, Timed, Verdict


class Energy(Record):
    """The energy of whole processor packages (RAPL) or whole GPUs (NVML) during `n` inferences, idle power included."""

    source: Literal["rapl", "nvml"]
    n: int = Field(ge=0)
    seconds: float = Field(gt=0)
    joules: float | None = Field(ge=0)
    joules_per_inference: float | None = Field(ge=0)


class ThroughputPoint(Timed):
    """The inputs answered per second under a closed loop of `concurrency` requests of `batch` inputs each.

    A corrected figure is scaled by the rate of the reference between the slices over its normal rate.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "concurrency", "cores", "threads", "instances")
    offered: Literal["closed loop"] = "closed loop"
    batch: Count
    concurrency: Count
    slices: int = Field(ge=1)
    images_per_s: float = Field(gt=0)
    low_images_per_s: float | None = Field(gt=0)
    high_images_per_s: float | None = Field(gt=0)
    corrected_images_per_s: float = Field(gt=0)
    corrected_low_images_per_s: float | None = Field(gt=0)
    corrected_high_images_per_s: float | None = Field(gt=0)
    answers: int = Field(ge=1)
    server_answers: int | None = Field(ge=0)
    client_cpu_share: float = Field(ge=0)
    verdict: Verdict
    verdict_reason: str


class MaximalThroughput(ThroughputPoint):
    """The maximum of a batch size, measured again for its best concurrency, as the best of many values is biased."""

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances")
    server_cores_used: float | None = Field(ge=0)
    core_s_per_inference: float | None = Field(ge=0)
    energy: Energy


class Contention(Timed):
    """A closed loop's throughput beside a reference network called at a steady rate, and alone, in turn.

    `factor` is the throughput beside it over the throughput alone; ideal sharing would give 1 − `share`.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "share", "batch", "cores", "threads", "instances")
    offered: Literal["closed loop"] = "closed loop"
    share: float = Field(gt=0, lt=1)
    batch: Count
    concurrency: Count
    slices: int = Field(ge=1)
    alone_images_per_s: float = Field(gt=0)
    images_per_s: float = Field(gt=0)
    factor: float = Field(gt=0)
    factor_low: float | None = Field(gt=0)
    factor_high: float | None = Field(gt=0)
    reference_max_per_s: float = Field(gt=0)
    reference_offered_per_s: float = Field(gt=0)
    reference_answered_per_s: float = Field(ge=0)
    cores_used: float | None = Field(ge=0)
    alone_cores_used: float | None = Field(ge=0)
    client_cpu_share: float = Field(ge=0)
    verdict: Verdict
    verdict_reason: str


SERIES = (
    "images_per_s", "corrected_images_per_s", "probe_per_s",
    "latency_p50_ms", "latency_mean_ms", "corrected_latency_p50_ms",
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
    corrected_images_per_s: tuple[float, ...]
    images_per_s_cv: float = Field(ge=0)
    corrected_images_per_s_cv: float = Field(ge=0)
    latency_runtime: str
    latency_p50_ms: tuple[float, ...]
    corrected_latency_p50_ms: tuple[float, ...]
    latency_mean_ms: tuple[float, ...]
    latency_p50_cv: float = Field(ge=0)
    corrected_latency_p50_cv: float = Field(ge=0)
    latency_mean_cv: float = Field(ge=0)
    probe_per_s: tuple[float, ...]

    @model_validator(mode="after")
    def every_series_has_each_repeat(self) -> Self:
        """The record itself; raises `ValueError` where a series has another length than `repeats`."""
        lengths = {name: len(getattr(self, name)) for name in SERIES}
        if set(lengths.values()) != {self.repeats}:
            raise ValueError(f"{self.repeats} repeats, and series of lengths {lengths}")
        return self
