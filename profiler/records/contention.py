"""The throughput of a model while the server also serves another one."""

from typing import ClassVar, Literal

from pydantic import Field

from profiler.records.base import Count, Timed, Verdict


class Contention(Timed):
    """A closed loop's throughput beside a reference network called at a steady rate, and alone, in turn.

    The reference network gets `share` of `reference_max_per_s`, its rate alone on the same resources. `factor` is
    the throughput beside it over the throughput alone, with its 95 % interval; slices of both and of the reference
    take turns, and both throughputs are relative to it. Ideal sharing of the resources would give 1 − `share`. `cores_used`
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
