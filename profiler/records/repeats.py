"""Repeated measurements of one throughput and one latency, which show the spread of each."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from profiler.records.base import Count, Timed

SERIES = (
    "images_per_s", "relative_throughput", "reference_per_s",
    "latency_p50_ms", "latency_mean_ms", "relative_latency_p50",
)  # fmt: skip


class Repeats(Timed):
    """One value for each repeat, in the order of measuring; within a repeat, load, latency and reference take turns.

    Throughput is that of a closed loop. Latency is that of batch 1, one at a time, on the same cores by
    `latency_runtime`. A `relative` value counts inferences of the reference network in the same moments.
    `reference_per_s` is the rate of the reference beside the load. A coefficient of variation is the standard
    deviation over the mean.
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
