"""The profile: all measurements of one file on one target."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, Self, TypeVar

from pydantic import Field, JsonValue

from profiler.common.profile_settings import Level, LevelSettings
from profiler.common.target import Target, TargetName
from profiler.records.base import Missing, Point, Record
from profiler.records.capacity import Capacity, LoadPoint
from profiler.records.complexity import Complexity, Fingerprint, Layer
from profiler.records.fit import Fit, Refusal
from profiler.records.latency import LatencyPoint
from profiler.records.memory import LargestBatch, MemoryPoint
from profiler.records.throughput import Contention, MaximalThroughput, Repeats, ThroughputPoint
from profiler.records.warm_up import FirstInference, LoadTime, Switch, UnloadTime, WarmUpCurve

P = TypeVar("P", bound=Point)
KINDS: dict[str, type[Point]] = {
    "latency": LatencyPoint,
    "throughput": ThroughputPoint,
    "max_throughput": MaximalThroughput,
    "load_time": LoadTime,
    "unload_time": UnloadTime,
    "first_inference": FirstInference,
    "warm_up": WarmUpCurve,
    "switch": Switch,
    "memory": MemoryPoint,
    "largest_batch": LargestBatch,
    "capacity": Capacity,
    "load": LoadPoint,
    "contention": Contention,
    "repeats": Repeats,
}


class PartState(Record):
    """The progress of a part of the plan, with its settings; a `finished` part lacks only the points in `missing`."""

    name: str
    settings: dict[str, JsonValue]
    seconds: float = Field(ge=0)
    finished: bool


class Profile(Record):
    """One ONNX file on one target; `key` hashes the file, the machine, the server and its resources."""

    schema_version: Literal[2] = 2
    key: str
    level: Level
    target_name: TargetName
    target: Target
    adopted: bool = False
    fingerprint: Fingerprint
    onnx_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    complexity: Complexity
    layers: tuple[Layer, ...]
    latency: tuple[LatencyPoint, ...] = ()
    throughput: tuple[ThroughputPoint, ...] = ()
    max_throughput: tuple[MaximalThroughput, ...] = ()
    load_time: tuple[LoadTime, ...] = ()
    unload_time: tuple[UnloadTime, ...] = ()
    first_inference: tuple[FirstInference, ...] = ()
    warm_up: tuple[WarmUpCurve, ...] = ()
    switch: tuple[Switch, ...] = ()
    memory: tuple[MemoryPoint, ...] = ()
    largest_batch: tuple[LargestBatch, ...] = ()
    capacity: tuple[Capacity, ...] = ()
    load: tuple[LoadPoint, ...] = ()
    contention: tuple[Contention, ...] = ()
    repeats: tuple[Repeats, ...] = ()
    fits: tuple[Fit, ...] = ()
    refused_fits: tuple[Refusal, ...] = ()
    missing: tuple[Missing, ...] = ()
    parts: tuple[PartState, ...] = ()
    probe_reference_per_s: float = Field(gt=0)
    served_probe_reference_per_s: float | None = Field(gt=0)
    measured_at: datetime
    seconds: float = Field(ge=0)

    def points(self) -> Iterable[Point]:
        """The points of every kind."""
        return (point for field in KINDS for point in getattr(self, field))

    def covers(self, settings: LevelSettings) -> bool:
        """Whether no point of a level is left to measure."""
        states = {state.name: state for state in self.parts}
        wanted = settings.parts()
        for_good = ("too long", "unavailable")
        return all(one.verdict in for_good for one in self.missing if one.part in wanted) and all(
            name in states and states[name].finished and states[name].settings == part.model_dump(mode="json")
            for name, part in wanted.items()
        )

    def with_points(self, points: Iterable[Point]) -> Self:
        """A copy of the profile with these points instead of its own."""
        by_field: dict[str, list[Point]] = {field: [] for field in KINDS}
        fields = {kind: field for field, kind in KINDS.items()}
        for point in points:
            by_field[fields[type(point)]].append(point)
        return self.model_copy(update={field: tuple(found) for field, found in by_field.items()})

    def input_sizes(self) -> list[int]:
        """The measured sizes of an input whose size the graph leaves open, in their order."""
        return list(dict.fromkeys(size for point in self.latency for size in point.input_shape[-1:]))

    def latency_at(self, batch: int) -> LatencyPoint | None:
        """The first measured latency of `batch` with one request at a time, `None` where there is none."""
        return next((point for point in self.latency if point.batch == batch and point.concurrency == 1), None)

    def own(self, points: Iterable[P]) -> list[P]:
        """The points among these that were measured on the target's own resources."""
        return [point for point in points if point.resources == self.target.resources]

    def best_throughput(self) -> MaximalThroughput | None:
        """The highest drift-corrected throughput over batches on the target's own resources."""
        found = self.own(self.max_throughput)
        return max(found, key=lambda point: point.corrected_images_per_s, default=None)
