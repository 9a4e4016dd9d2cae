"""The settings of a profile level: one class for each part of the plan; a part that is null is not measured.

The values are in `conf/profile/`. `seconds` limit one point; `budget_s` limits a variant.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from profiler.common.batching import MAX_BATCH, Batch, PreferredBatches, QueueDelayUs
from profiler.common.target import MAX_CORES, MAX_INSTANCES

# The most values of one axis that a level may have.
MAX_PLACES = 100
DAY_S = 86400.0
# Loading, warming up, and the reference beside the slices of a later visit.
VISIT_OVERHEAD_S = 0.55

Batches = Annotated[list[Batch], Field(min_length=1, max_length=MAX_BATCH)]
Cores = Annotated[list[Annotated[float, Field(gt=0, le=MAX_CORES)]], Field(min_length=1, max_length=MAX_PLACES)]
# At most an hour for a point, and a day for a variant.
Seconds = Annotated[float, Field(gt=0, le=3600)]
Budget = Annotated[float, Field(gt=0, le=DAY_S)]
Wait = Annotated[float, Field(ge=0, le=7 * DAY_S)]
DeadlineMs = Annotated[float, Field(ge=0.01, le=1e5)]
Deadlines = Annotated[list[DeadlineMs], Field(min_length=1, max_length=10)]
Share = Annotated[float, Field(gt=0, lt=1)]
Level = Literal["quick", "full"]


class PartSettings(BaseModel):
    """The settings that decide the figures of one part; where they change, the part is measured again."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class LatencySettings(PartSettings):
    """Full batches in the profiler's process, one at a time; `input_sizes` are for graphs that leave H and W open.

    A point takes `seconds`, and longer for its number of `inferences`, up to `longest_seconds`. The latency that a
    client of a server sees has as many inferences.
    """

    batches: Batches
    seconds: Seconds
    inferences: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    longest_seconds: Seconds = 20.0
    input_sizes: list[Annotated[int, Field(ge=1, le=8192)]] = Field(max_length=MAX_PLACES)


class LayerSettings(PartSettings):
    """The time of each layer at batch 1, by the runtime's own clock, in the profiler's process."""

    seconds: Seconds


class ThroughputSettings(PartSettings):
    """Closed loops with concurrency doubled step by step; the maximum is settled at the best or at every batch."""

    batches: Batches
    max_concurrency: Annotated[int, Field(ge=1, le=1024)]
    search_seconds: Seconds
    settle_seconds: Seconds


class SizeSettings(PartSettings):
    """Throughput and memory at every one of `latency.input_sizes`, where there are several."""

    batches: Batches
    seconds: Seconds


class WarmUpSettings(PartSettings):
    """Load times, first inferences, warm-up curves, and a switch under traffic that takes `switch_seconds`.

    `loads` counts the loads with a cold page cache, and those with a warm one. Batch 1 and the largest have curves.
    """

    loads: Annotated[int, Field(ge=1, le=1000)]
    batches: Batches
    curve_inferences: Annotated[int, Field(ge=1, le=100_000)]
    switch_seconds: Seconds | None


class MemorySettings(PartSettings):
    """Resident and peak memory by batch, and a search of `seconds` for the largest batch in the target's memory."""

    batches: Batches
    seconds: Seconds


class CapacitySettings(PartSettings):
    """Poisson arrivals of single requests: the highest rate in time, and latencies around the maximum.

    `deadlines_ms` are the user's; null stands for three common to a task. A run knows those of the task as
    `usual_deadlines_ms`, which are no setting; without them they follow from the file's own latency. `quantile` is the
    share of answers that must be in time. `loads` are shares of the maximum, each for `seconds`. A trial of a rate
    lasts `seconds`, or up to four times as long where the quantile needs more requests.
    """

    cores: Cores
    deadlines_ms: Deadlines | None
    usual_deadlines_ms: Deadlines | None = Field(default=None, exclude=True)
    quantile: Share
    seconds: Seconds
    loads: list[Annotated[float, Field(gt=0, le=100)]] = Field(max_length=MAX_PLACES)


class DynamicBatchingSettings(PartSettings):
    """Triton's dynamic batching with the highest capacity under a deadline, found within `search_seconds`.

    A null `deadline_ms` stands for the middle one of the capacities. A model of the queue chooses the `candidates` for
    the server among all pairs of a queue delay and preferred batches. A trial lasts `seconds`, or up to four times as
    long where the quantile needs more requests.
    """

    deadline_ms: DeadlineMs | None
    quantile: Share
    seconds: Seconds
    search_seconds: Seconds
    candidates: Annotated[int, Field(ge=1, le=MAX_PLACES)]
    queue_delays_us: list[QueueDelayUs] = Field(min_length=1, max_length=MAX_PLACES)
    preferred_batches: list[PreferredBatches] = Field(min_length=1, max_length=MAX_PLACES)


class ContentionSettings(PartSettings):
    """Throughput beside a reference network that serves these shares of its own maximum."""

    shares: list[Share] = Field(min_length=1, max_length=MAX_PLACES)
    slices: Annotated[int, Field(ge=6, le=10_000)]


class ScalingSettings(PartSettings):
    """Latency and maximal throughput by cores and instances, as far as the machine has them."""

    cores: Cores
    instances: list[Annotated[int, Field(ge=1, le=MAX_INSTANCES)]] = Field(min_length=1, max_length=MAX_PLACES)
    batches: Batches
    latency_seconds: Seconds
    settle_seconds: Seconds


class RepeatSettings(PartSettings):
    """Repeated measurements of one throughput and one latency, side by side, which show the spread of each."""

    repeats: Annotated[int, Field(ge=2, le=1000)]
    seconds: Seconds


class VisitSettings(PartSettings):
    """Later visits: in each round of a run, every model is loaded again and its maxima are measured for `seconds`.

    `visits` counts the first one, which measures everything else.
    """

    visits: Annotated[int, Field(ge=2, le=100)]
    seconds: Seconds


class LevelSettings(BaseModel):
    """A level: `quick` ranks in seconds, `full` measures in minutes the variants that `screen_with` leaves.

    A point takes up to `patience` times its usual time where other processes disturb its slices. A later run measures a
    `disturbed` point again or keeps it. A run waits up to `wait` seconds for another one that measures on this host.
    With `monitor` the samples of the warm-up have the state of the machine before each first inference.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    level: Level
    budget_s: Budget
    patience: Annotated[float, Field(ge=1, le=100)] = 1.0
    disturbed: Literal["again", "keep"] = "again"
    wait: Wait = DAY_S
    monitor: bool = False
    screen_with: "LevelSettings | None"
    latency: LatencySettings | None
    layers: LayerSettings | None
    throughput: ThroughputSettings | None
    warm_up: WarmUpSettings | None
    memory: MemorySettings | None
    sizes: SizeSettings | None
    scaling: ScalingSettings | None
    capacity: CapacitySettings | None
    dynamic_batching: DynamicBatchingSettings | None
    contention: ContentionSettings | None
    repeats: RepeatSettings | None
    visits: VisitSettings | None

    @classmethod
    def of_throughput(cls, settings: ThroughputSettings, budget_s: float) -> "LevelSettings":
        """A level that measures the maximal throughput only."""
        unset = dict.fromkeys(name for name, field in cls.model_fields.items() if field.is_required())
        values = unset | {"level": "quick", "budget_s": budget_s, "throughput": settings}
        return cls.model_validate(values)

    def with_usual_deadlines_ms(self, usual_ms: list[float] | None) -> Self:
        """This level with the default deadlines of a task, where it measures capacities and they are known."""
        if self.capacity is None or usual_ms is None:
            return self
        return self.model_copy(update={"capacity": self.capacity.model_copy(update={"usual_deadlines_ms": usual_ms})})

    def rounds(self) -> int:
        """The rounds of a run at this level, in each of which every model is visited."""
        return 1 if self.visits is None else self.visits.visits

    def visit_budget_s(self, visit: int) -> float:
        """The budget of one visit: that of the level for the first, and for a later one what its loops should take."""
        if visit == 1 or self.visits is None:
            return self.budget_s
        loops = len(self.throughput.batches) + 1 if self.throughput else 1
        return loops * (self.visits.seconds + VISIT_OVERHEAD_S)

    def all_visits_s(self) -> float:
        """The budget of all visits together, without the time that disturbed slices may take beside it."""
        return sum(self.visit_budget_s(visit) for visit in range(1, self.rounds() + 1))

    def parts(self) -> dict[str, PartSettings]:
        """The settings of the parts that this level measures, by name."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if isinstance(value, PartSettings)}
