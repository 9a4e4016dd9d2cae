"""The throughput under a closed loop, and its energy."""

from typing import ClassVar, Literal

from pydantic import Field

from profiler.records.base import Count, Record, Timed, Verdict
from profiler.records.visit import Blocks


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


class MaximalThroughput(ThroughputPoint):
    """The maximum of a batch size on the given resources, measured again after its concurrency was found.

    The best of many short measurements is biased upwards, so it does not count itself. The rates are over all
    `visits`, which lie apart; `blocks` are those of the first one, and the profile has a record of each later one. It
    is `saturated` where more concurrency brought no more answers.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances")
    saturated: bool
    visits: int = Field(default=1, ge=1)
    blocks: Blocks
    server_cores_used: float | None = Field(ge=0)
    core_s_per_inference: float | None = Field(ge=0)
    energy: Energy
