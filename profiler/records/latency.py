"""How long one batch takes."""

from typing import Literal

from pydantic import Field

from profiler.records.base import Kind, Record
from profiler.records.noise import Noise


class LatencyPoint(Record):
    """Time of one warm, full batch, one at a time; percentiles only where `n` bounds them at 99 %."""

    kind: Kind = "measured"
    runtime: str
    batch: int = Field(ge=1)
    cores: int = Field(ge=1)
    threads: int = Field(ge=1)
    concurrency: Literal[1] = 1
    n: int = Field(ge=1)
    mean_ms: float = Field(gt=0)
    sd_ms: float | None = Field(ge=0)
    p50_ms: float | None = Field(gt=0)
    p50_low_ms: float | None = Field(gt=0)
    p50_high_ms: float | None = Field(gt=0)
    p90_ms: float | None = Field(gt=0)
    p95_ms: float | None = Field(gt=0)
    p99_ms: float | None = Field(gt=0)
    noise: Noise
