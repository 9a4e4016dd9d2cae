"""The throughput under a closed loop, and its energy."""

from typing import ClassVar, Literal

from pydantic import Field

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
