"""The throughput under a closed loop, and its energy."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from profiler.records.base import Count, Record, Timed, Verdict


class Energy(Record):
    """The energy of whole processor packages (RAPL) or whole GPUs (NVML) during `n` inferences.

    The time of the probe between slices of load does not count. The idle consumption and that of other work on the
    hardware are included; the memory and the rest of the board are not.
    """

    source: Literal["rapl", "nvml"]
    n: int = Field(ge=0)
    seconds: float = Field(gt=0)
    joules: float | None = Field(ge=0)
    joules_per_inference: float | None = Field(ge=0)


class ThroughputPoint(Timed):
    """The inputs answered per second under a closed loop of `concurrency` requests of `batch` inputs each.

    `images_per_s` is the rate over all slices, with its 95 % interval. `corrected_images_per_s` divides the machine's
    drift out: it is scaled by the rate of a probe between the slices over its normal rate,
    `Profile.served_probe_reference_per_s` or `probe_reference_per_s` as `noise.probe` says. `client_cpu_share` is the
    load generator's use of one core.
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
    """The maximum of a batch size on the given resources, measured again after its concurrency was found.

    The best of many short measurements is biased upwards, so it does not count itself.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances")
    server_cores_used: float | None = Field(ge=0)
    core_s_per_inference: float | None = Field(ge=0)
    energy: Energy


class Contention(Timed):
    """A closed loop's throughput beside a reference network called at a steady rate, and alone, in turn.

    The reference network gets `share` of `reference_max_per_s`, its rate alone on the same resources. `factor` is
    the throughput beside it over the throughput alone, with its 95 % interval; slices of both and of the probe take
    turns, and the machine's drift is divided out. Ideal sharing of the resources would give 1 − `share`. `cores_used`
    is the use of the server's processes for both networks.
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
    """One value for each repeat, in the order of measuring; within a repeat, load, latency and probe take turns.

    Throughput is that of a closed loop. Latency is that of batch 1, one at a time, on the same cores by
    `latency_runtime`. A `corrected` value is scaled by the rate of a probe beside each slice over its normal rate in
    the profile. `probe_per_s` is the rate of the probe beside the load. A coefficient of variation is the standard
    deviation over the mean.
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
