"""The latency of one batch."""

from typing import ClassVar

from pydantic import Field

from profiler.records.base import Count, Timed


class LatencyPoint(Timed):
    """The time of one warm, full batch under `concurrency` callers; percentiles only where `n` bounds them at 99 %.

    `input_shape` leaves the batch axis out. A corrected sample is scaled by the reference's rate over its normal one.
    """

    identity: ClassVar[tuple[str, ...]] = (
        "runtime", "batch", "cores", "threads", "instances", "concurrency", "input_shape",
    )  # fmt: skip
    batch: Count
    concurrency: Count
    input_shape: tuple[int, ...]
    n: int = Field(ge=1)
    mean_ms: float = Field(gt=0)
    sd_ms: float | None = Field(ge=0)
    p50_ms: float | None = Field(gt=0)
    p50_low_ms: float | None = Field(gt=0)
    p50_high_ms: float | None = Field(gt=0)
    corrected_p50_ms: float | None = Field(gt=0)
    corrected_p50_low_ms: float | None = Field(gt=0)
    corrected_p50_high_ms: float | None = Field(gt=0)
    p90_ms: float | None = Field(gt=0)
    p95_ms: float | None = Field(gt=0)
    p99_ms: float | None = Field(gt=0)
