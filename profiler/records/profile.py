"""The profile: all measurements of one file on one target."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, Self, TypeVar

from pydantic import Field, JsonValue

from profiler.common.profile_settings import Level, LevelSettings
from profiler.common.target import Target, TargetName
from profiler.records.base import Missing, NormalRate, Point, Record, Timed
from profiler.records.capacity import Capacity, LoadPoint
from profiler.records.complexity import Complexity, Fingerprint, Layer
from profiler.records.dynamic_batching import DynamicBatching
from profiler.records.fit import Fit, Refusal
from profiler.records.latency import LatencyPoint
from profiler.records.layer_time import LayerTimes
from profiler.records.memory import LargestBatch, MemoryPoint
from profiler.records.throughput import Contention, MaximalThroughput, Repeats, SizePoint, ThroughputPoint, Visit
from profiler.records.warm_up import FirstInference, LoadTime, PredictedTime, Switch, UnloadTime, WarmUpCurve

P = TypeVar("P", bound=Point)
KINDS: dict[str, type[Point]] = {
    "latency": LatencyPoint,
    "layer_times": LayerTimes,
    "throughput": ThroughputPoint,
    "max_throughput": MaximalThroughput,
    "load_time": LoadTime,
    "unload_time": UnloadTime,
    "first_inference": FirstInference,
    "warm_up": WarmUpCurve,
    "switch": Switch,
    "memory": MemoryPoint,
    "sizes": SizePoint,
    "largest_batch": LargestBatch,
    "capacity": Capacity,
    "load": LoadPoint,
    "dynamic_batching": DynamicBatching,
    "contention": Contention,
    "repeats": Repeats,
    "visits": Visit,
}


class PartState(Record):
    """The progress of a part of the plan, with its settings; a `finished` part lacks only the points in `missing`."""

    name: str
    settings: dict[str, JsonValue]
    seconds: float = Field(ge=0)
    finished: bool


class Profile(Record):
    """One ONNX file on one target; `key` hashes the file, the machine, the server and its resources.

    An `adopted` profile was measured by `python -m profiler`, mostly on another machine, and imported into a
    workspace. `reference` and `served_reference` are what is known of the machine's speed. `missing` lists the
    planned points that could not be measured. Fits are predictions from the tables, which stay authoritative. A
    publication adds the `predicted` times that no load measured. `why_not_quicker` has the causes of the latency in
    words, as far as measured facts show them.
    """

    schema_version: Literal[4] = 4
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
    layer_times: tuple[LayerTimes, ...] = ()
    throughput: tuple[ThroughputPoint, ...] = ()
    max_throughput: tuple[MaximalThroughput, ...] = ()
    load_time: tuple[LoadTime, ...] = ()
    unload_time: tuple[UnloadTime, ...] = ()
    first_inference: tuple[FirstInference, ...] = ()
    warm_up: tuple[WarmUpCurve, ...] = ()
    switch: tuple[Switch, ...] = ()
    memory: tuple[MemoryPoint, ...] = ()
    sizes: tuple[SizePoint, ...] = ()
    largest_batch: tuple[LargestBatch, ...] = ()
    capacity: tuple[Capacity, ...] = ()
    load: tuple[LoadPoint, ...] = ()
    dynamic_batching: tuple[DynamicBatching, ...] = ()
    contention: tuple[Contention, ...] = ()
    repeats: tuple[Repeats, ...] = ()
    visits: tuple[Visit, ...] = ()
    predicted: tuple[PredictedTime, ...] = Field(default=(), max_length=1000)
    fits: tuple[Fit, ...] = ()
    refused_fits: tuple[Refusal, ...] = ()
    why_not_quicker: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    parts: tuple[PartState, ...] = ()
    reference: NormalRate
    served_reference: NormalRate | None
    measured_at: datetime
    seconds: float = Field(ge=0)

    def points(self) -> Iterable[Point]:
        """The points of every kind."""
        return (point for field in KINDS for point in getattr(self, field))

    def covers(self, settings: LevelSettings, visit: int | None = None) -> bool:
        """Whether no point of a level is left to measure in one visit, or in all."""
        states = {state.name: state for state in self.parts}
        wanted = settings.parts()
        if settings.disturbed == "again" and any(point.part in wanted for point in self.wanted_again(visit)):
            return False
        later = wanted.pop("visits", None) if visit is not None else None
        if visit is not None and later is not None and visit > 1:
            state = states.get("visits")
            same = state is not None and state.settings == later.model_dump(mode="json")
            return same and self._visited(visit)
        to_come = [one for one in self.missing if one.part in wanted and one.verdict in ("failed", "out of budget")]
        to_come += [one for one in self.missing if one.part in wanted and one.fits(settings.budget_s)]
        return not to_come and all(
            name in states and states[name].finished and states[name].settings == part.model_dump(mode="json")
            for name, part in wanted.items()
        )

    def _visited(self, visit: int) -> bool:
        """Whether every maximum on the target's own resources was measured in that visit."""
        seen = {(one.batch, one.concurrency) for one in self.own(self.visits) if one.visit == visit}
        maxima = self.own(self.max_throughput)
        return all((one.batch, one.concurrency) in seen and one.visits >= visit for one in maxima)

    def wanted_again(self, visit: int | None = None) -> Iterable[Timed]:
        """The disturbed points that one visit measures, or all visits."""
        for point in self.points():
            if isinstance(point, Timed) and point.is_wanted_again():
                made = point.visit if isinstance(point, Visit) else 1
                if visit in (None, made):
                    yield point

    def disturbance(self, visit: int | None = None) -> str | None:
        """How many points of one visit, or of all, were disturbed and by what; `None` where none was."""
        found = list(self.wanted_again(visit))
        if not found:
            return None
        names = sorted({name.partition(" ")[0] for point in found for name in point.noise.busiest})
        others = ", ".join(names) or "nothing that is visible from here"
        return f"{len(found)} points were disturbed by {others}: the next run measures them again, on a quiet machine"

    def with_points(self, points: Iterable[Point]) -> Self:
        """A copy of the profile with these points instead of its own."""
        by_field: dict[str, list[Point]] = {field: [] for field in KINDS}
        fields = {kind: field for field, kind in KINDS.items()}
        for point in points:
            by_field[fields[type(point)]].append(point)
        return self.model_copy(update={field: tuple(found) for field, found in by_field.items()})

    def input_sizes(self, shape: Sequence[int]) -> list[int]:
        """The measured sizes of the axes that an input's `shape` leaves open with -1, in their order."""
        sizes = (size for one in self.latency for size, axis in zip(one.input_shape, shape, strict=False) if axis == -1)
        return list(dict.fromkeys(sizes))

    def latency_at(self, batch: int) -> LatencyPoint | None:
        """The latency of one batch at a time that a client of the target sees, `None` where it is unknown."""
        return self._latency(batch, self.target.runtime)

    def compute_latency_at(self, batch: int) -> LatencyPoint | None:
        """The latency of the computation alone, in the profiler's own process, `None` where it is unknown."""
        return self._latency(batch, self.target.computes_in)

    def _latency(self, batch: int, runtime: str) -> LatencyPoint | None:
        own = self.target.resources
        found = (
            point
            for point in self.latency
            if (point.runtime, point.batch, point.concurrency) == (runtime, batch, 1)
            # A session in this process serves one caller, whatever the target's instances are.
            and (point.cores, point.threads) == (own.cores, own.threads)
            and point.input_shape == self.latency[0].input_shape
        )
        return min(found, key=lambda point: point.instances != own.instances, default=None)

    def own(self, points: Iterable[P]) -> list[P]:
        """The points among these that were measured on the target's own resources."""
        return [point for point in points if point.resources == self.target.resources]

    def best_throughput(self) -> MaximalThroughput | None:
        """The highest throughput over batches on the target's own resources."""
        found = self.own(self.max_throughput)
        return max(found, key=lambda point: point.relative_throughput, default=None)

    def throughput_at(self, batch: int) -> MaximalThroughput | None:
        """The maximal throughput of a batch size on the target's own resources, `None` where it is unknown."""
        return next((point for point in self.own(self.max_throughput) if point.batch == batch), None)

    def batching(self) -> DynamicBatching | None:
        """The dynamic batching of the published configuration, `None` where it is off or was not measured."""
        newest = self.own(self.dynamic_batching)[-1:]
        return next((point for point in newest if point.on), None)
