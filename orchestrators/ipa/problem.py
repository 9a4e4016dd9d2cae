"""What is asked: the stages of a pipeline, each with its variants and what they take by batch, a demand, a deadline."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from profiler.records.base import Value


class Variant(Value):
    """A variant with the cores of one replica, and what a replica reaches by measured batch."""

    name: str = Field(min_length=1)
    accuracy: float = Field(ge=0, le=1)
    cores: float = Field(gt=0)
    latency_ms: dict[int, float] = Field(min_length=1)
    throughput_rps: dict[int, float]

    @field_validator("latency_ms", "throughput_rps")
    @classmethod
    def is_positive(cls, figures: dict[int, float]) -> dict[int, float]:
        for batch, figure in figures.items():
            if batch < 1 or figure <= 0:
                raise ValueError(f"{figure:g} at batch {batch}: batches are 1 or more, figures above 0; leave it out")
        return figures

    @model_validator(mode="after")
    def has_both_figures(self) -> Self:
        if self.latency_ms.keys() != self.throughput_rps.keys():
            raise ValueError(
                f"{self.name} has latencies at batches {listed(self.latency_ms)} and throughputs at "
                f"{listed(self.throughput_rps)}: give both at each"
            )
        return self


class Stage(Value):
    """One task of the pipeline."""

    name: str = Field(min_length=1)
    variants: list[Variant] = Field(min_length=1)

    @model_validator(mode="after")
    def names_are_clear(self) -> Self:
        distinct(f"variants of {self.name}", (one.name for one in self.variants))
        return self


class Problem(Value):
    """Stages that every request passes one after the other, within `deadline_ms` in all.

    `accuracy` says how the pipeline's follows from the stages'; `alpha` weighs it, `beta` cores and `delta` inputs of a
    batch. `literal` takes the published code's constant for the time that requests wait for a batch to fill.
    """

    stages: list[Stage] = Field(min_length=1)
    demand_rps: float = Field(ge=0)
    deadline_ms: float = Field(gt=0)
    accuracy: Literal["sum", "mean", "product"] = "sum"
    alpha: float = Field(default=2.0, ge=0)
    beta: float = Field(default=1.0, ge=0)
    delta: float = Field(default=1e-6, ge=0)
    literal: bool = False

    @model_validator(mode="after")
    def names_are_clear(self) -> Self:
        distinct("stages", (one.name for one in self.stages))
        return self


def distinct(what: str, names: Iterable[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{what}: {', '.join(twice)} is there more than once, give each a name of its own")


def listed(batches: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(batches))) or "none"
