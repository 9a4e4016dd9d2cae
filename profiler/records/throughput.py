"""Answers a second under a closed loop."""

from typing import Literal

from pydantic import Field

from profiler.records.base import Kind, Record, Verdict
from profiler.records.noise import Noise


class ThroughputPoint(Record):
    """Answers per second under a closed loop of `concurrency` requests of `batch` inputs each.

    `images_per_s` is the median over slices as it was counted, with its 95 % interval.
    `corrected_images_per_s` divides the machine's drift out: each slice is scaled by how fast the
    reference probe ran beside it against `Profile.probe_reference_per_s`.
    """

    kind: Kind = "measured"
    runtime: str
    offered: Literal["closed loop"] = "closed loop"
    batch: int = Field(ge=1)
    concurrency: int = Field(ge=1)
    cores: int = Field(ge=1)
    instances: int = Field(ge=1)
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
    noise: Noise
