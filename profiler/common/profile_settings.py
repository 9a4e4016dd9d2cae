"""How much is measured: the settings of every part of a level; a part that is null is not measured.

The values stand in `conf/profile/`. `seconds` bound one point; `budget_s` bounds a variant.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from profiler.common.resources import MAX_CORES, MAX_INSTANCES

MAX_BATCH = 64
# How many values of one axis a level may ask for.
MAX_PLACES = 100

Batch = Annotated[int, Field(ge=1, le=MAX_BATCH)]
Batches = Annotated[list[Batch], Field(min_length=1, max_length=MAX_BATCH)]
Cores = Annotated[list[Annotated[float, Field(gt=0, le=MAX_CORES)]], Field(min_length=1, max_length=MAX_PLACES)]
# An hour for a point, and a day for a variant.
Seconds = Annotated[float, Field(gt=0, le=3600)]
Budget = Annotated[float, Field(gt=0, le=86400)]
Share = Annotated[float, Field(gt=0, lt=1)]
Level = Literal["quick", "full"]


class PartSettings(BaseModel):
    """What decides one part's figures: where they change, the part is measured again."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class LatencySettings(PartSettings):
    """Full batches in the profiler's process, one at a time; `input_sizes` where the graph leaves H and W open."""

    batches: Batches
    seconds: Seconds
    input_sizes: list[Annotated[int, Field(ge=1, le=8192)]] = Field(max_length=MAX_PLACES)


class ThroughputSettings(PartSettings):
    """Closed loops, denser by doubling; the maximum is settled at the best batch, or at every batch."""

    batches: Batches
    max_concurrency: Annotated[int, Field(ge=1, le=1024)]
    search_seconds: Seconds
    settle_seconds: Seconds
    settle_every_batch: bool


class WarmUpSettings(PartSettings):
    """What a load costs, warm and cold, and what comes after it; traffic during a switch takes `switch_seconds`.

    `loads` are made with a cold page cache, and as many with a warm one: at least one for each batch size, whose
    first inference it shows. Batch 1 and the largest go on for `curve_inferences`.
    """

    loads: Annotated[int, Field(ge=1, le=1000)]
    batches: Batches
    curve_inferences: Annotated[int, Field(ge=1, le=100_000)]
    switch_seconds: Seconds | None


class MemorySettings(PartSettings):
    """Resident and peak memory by batch, and the largest batch within the target's memory.

    `seconds` bound the search for that batch.
    """

    batches: Batches
    seconds: Seconds


class CapacitySettings(PartSettings):
    """Poisson arrivals of single requests: the highest rate in time, and what happens around the maximum.

    `deadlines` are multiples of the batch-1 latency; `quantile` is the share of answers that must be in time.
    `loads` are shares of the maximum. Each lasts `seconds`, and so does a trial of a rate, or up to twice as long
    where the quantile needs more requests.
    """

    cores: Cores
    deadlines: list[Annotated[float, Field(gt=1, le=1e6)]] = Field(min_length=1, max_length=MAX_PLACES)
    quantile: Share
    seconds: Seconds
    loads: list[Annotated[float, Field(gt=0, le=100)]] = Field(max_length=MAX_PLACES)


class ContentionSettings(PartSettings):
    """Throughput beside a reference network that is called at these shares of its own maximum."""

    shares: list[Share] = Field(min_length=1, max_length=MAX_PLACES)
    slices: Annotated[int, Field(ge=6, le=10_000)]


class ScalingSettings(PartSettings):
    """Latency and maximal throughput by cores and instances; what the machine does not have is left out."""

    cores: Cores
    instances: list[Annotated[int, Field(ge=1, le=MAX_INSTANCES)]] = Field(min_length=1, max_length=MAX_PLACES)
    batches: Batches
    latency_seconds: Seconds
    settle_seconds: Seconds


class RepeatSettings(PartSettings):
    """The same throughput and the same latency over and over, side by side: how far each can be trusted."""

    repeats: Annotated[int, Field(ge=2, le=1000)]
    seconds: Seconds


class LevelSettings(BaseModel):
    """A level: `quick` ranks in seconds, `full` measures every row in minutes.

    `screen_with` is the level whose figures decide whether a variant is worth this one: what they show to be
    dominated stays there. Without it every variant is measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    level: Level
    budget_s: Budget
    screen_with: "LevelSettings | None"
    latency: LatencySettings | None
    throughput: ThroughputSettings | None
    warm_up: WarmUpSettings | None
    memory: MemorySettings | None
    scaling: ScalingSettings | None
    capacity: CapacitySettings | None
    contention: ContentionSettings | None
    repeats: RepeatSettings | None

    @classmethod
    def of_throughput(cls, settings: ThroughputSettings, budget_s: float) -> "LevelSettings":
        """A level of the maximal throughput alone."""
        return cls(
            level="quick",
            budget_s=budget_s,
            screen_with=None,
            latency=None,
            throughput=settings,
            warm_up=None,
            memory=None,
            scaling=None,
            capacity=None,
            contention=None,
            repeats=None,
        )

    def parts(self) -> dict[str, PartSettings]:
        """The settings of every part that this level measures."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if isinstance(value, PartSettings)}
