"""A published variant on one target, with all its figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from porting.repository import interpolation
from porting.repository.figures import metric, served_memory, why_unknown, why_unranked
from porting.repository.interpolation import Lookup, Reading
from porting.repository.schema import Accuracy, Details, Figure, Published, Standing
from profiler.common.errors import BadInputError
from profiler.records.base import Point
from profiler.records.capacity import Capacity
from profiler.records.dynamic_batching import DynamicBatching
from profiler.records.latency import LatencyPoint
from profiler.records.memory import MemoryPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference

T = TypeVar("T")
MS_PER_S = 1e3


@dataclass(frozen=True)
class VariantOnTarget:
    """A published variant with all its figures on one target, named as in `porting.repository.figures.METRICS`.

    `note` gets a line for each predicted time that is used in place of a measured one.
    """

    published: Published
    target: str
    read_details: Callable[[str], Details]
    note: Callable[[str], None]

    @property
    def name(self) -> str:
        """The name of the variant."""
        return self.published.name

    @property
    def standing(self) -> Standing:
        """The record of the index."""
        return self.published.targets[self.target]

    @property
    def details(self) -> Details:
        """The details of the variant; raises `BadInputError` where the file is not the indexed one."""
        return self.read_details(self.name)

    @property
    def profile(self) -> Profile:
        """All measurements on the target."""
        return self.details.profiles[self.target]

    def figure(self, name: str) -> Figure | None:
        """The figure of the index, `None` where it is unknown; raises `BadInputError` for an unknown name."""
        metric(name)
        return self.standing.figures.get(name)

    def value(self, name: str) -> float | None:
        """The figure without its interval."""
        found = self.figure(name)
        return None if found is None else found[0]

    def why_unknown(self, name: str) -> str:
        """The reason why the index has no figure of that name."""
        return why_unknown(self.standing, name)

    def lookup(self, name: str) -> Lookup:
        """The interpolation table of a figure; raises `BadInputError` for a figure without one."""
        return interpolation.lookup(self.profile, name)

    def at(self, name: str, **where: float) -> Reading:
        """The figure at coordinates, as in `at("p50_ms", batch=8)`; raises `BadInputError` outside of its range."""
        return self._read(self.lookup(name), where)

    def needed(self, value: T | None, what: str, kind: type[Point]) -> T:
        """The value; where it is `None`, raises `BadInputError` with the reason and the run that measures it."""
        if value is None:
            raise BadInputError(f"{self.name} has no {what}: {self.why_no(kind)}")
        return value

    def needed_figure(self, name: str, what: str) -> float:
        """A figure of the index; where it is unknown, raises `BadInputError` with its reason and what measures it."""
        found = self.value(name)
        if found is None:
            raise BadInputError(
                f"{self.name} has no {what}: {self.why_unknown(name)}; a run with profile=full target={self.target} "
                "measures it"
            )
        return found

    def why_no(self, kind: type[Point]) -> str:
        """The reason why the profile has no point of a kind, and the run that measures it."""
        profile = self.profile
        usual = f"a profile of level {profile.level} has none on the target's own resources"
        missing = next((one for one in profile.missing if one.point == kind.__name__), None)
        because = missing.reason if missing else usual
        settings = missing.setting if missing else ""
        return f"{because}; a run with {f'profile=full {settings}'.strip()} target={self.target} measures it"

    def accuracy(self) -> Accuracy:
        """The validation accuracy; raises `BadInputError` where it is unknown or flagged."""
        found, reason = self.published.validation_accuracy, why_unranked(self.published.flags, ["accuracy"])
        if found is None or reason:
            reason = reason or self.published.reasons["validation_accuracy"]
            raise BadInputError(f"{self.name} has no validation accuracy ({reason}): evaluate it on a datamodule")
        return found

    def peak_bytes(self) -> int | None:
        """The figure `peak_bytes` as a whole number of bytes."""
        found = self.value("peak_bytes")
        return None if found is None else round(found)

    def load_s(self) -> float:
        """The load time with the file in the page cache, in s; raises `BadInputError` where it is unknown.

        A predicted time counts where no load was measured.
        """
        if self.value("load_ms") is None:
            for found in self.profile.predicted:
                if found.quantity == "load_ms":
                    self.note(f"{self.name} on {self.target}: {found}")
                    return found.time_ms / MS_PER_S
        return self.needed_figure("load_ms", "load time") / MS_PER_S

    def first_inference_batches(self) -> list[int]:
        """The batches with a measured or predicted first inference on the target's own resources, sorted.

        Raises `BadInputError` where there are none.
        """
        measured = {one.batch for one in self.profile.own(self.profile.first_inference)}
        predicted = {one.batch for one in self.profile.predicted if one.batch is not None}
        return sorted(self.needed(measured | predicted or None, "first inference after a load", FirstInference))

    def first_inference_s(self, batch: int) -> float:
        """The first inference of a batch after a load, in s, measured or predicted, linear between known batches.

        Raises `BadInputError` outside of them.
        """
        self.first_inference_batches()
        reading = self.at("first_inference_ms", batch=batch)
        if reading.at["runtime"] == interpolation.PREDICTOR:
            near = min(
                (one for one in self.profile.predicted if one.batch), key=lambda one: abs((one.batch or 0) - batch)
            )
            self.note(f"{self.name} on {self.target}: {near}")
        return reading.value / MS_PER_S

    def served_memory(self) -> list[MemoryPoint]:
        """The memory points of the serving processes with a known peak, sorted by batch."""
        found = served_memory(self.profile.own(self.profile.memory))
        return sorted((point for point in found if point.peak_bytes is not None), key=lambda point: point.batch)

    def cores(self) -> list[float]:
        """The numbers of cores on which throughput was measured, with the target's own number of instances."""
        own = self.profile.target.instances
        return sorted({point.cores for point in self.profile.max_throughput if point.instances == own})

    @cached_property
    def latencies(self) -> Lookup:
        """The median latency that a client sees, by batch, cores and instances."""
        lookup = self.lookup("p50_ms")
        self.needed(lookup.tables or None, "latency", LatencyPoint)
        return lookup

    def batches(self, cores: float) -> list[int]:
        """The measured batch sizes with a latency on `cores`, or on fewer and on more cores."""
        own = self.profile.target.instances
        (table,) = self.latencies.tables.values()
        at: dict[int, list[float]] = {}
        for batch, count, instances in table:
            if instances == own:
                at.setdefault(int(batch), []).append(count)
        return sorted(batch for batch, counts in at.items() if min(counts) <= cores <= max(counts))

    def latency_ms(self, batch: int, cores: float) -> float:
        """The median latency of one full batch on `cores`."""
        return self._read(self.latencies, {"batch": batch, "cores": cores}).value

    def images_per_s(self, batch: int, cores: float) -> float:
        """The maximal throughput with batches of that size on `cores`."""
        self.needed(self.profile.best_throughput(), "maximal throughput", MaximalThroughput)
        return self.at("images_per_s", batch=batch, cores=cores).value

    def batching(self, cores: float) -> DynamicBatching | None:
        """The dynamic batching of the published configuration on `cores`, `None` where it is off or unknown there."""
        found = self.profile.batching()
        return found if found is not None and found.cores == cores else None

    def joined_batch(self, cores: float) -> int:
        """The largest batch that the server joins from single requests; 1 without one, or without its latency."""
        found = self.batching(cores)
        return found.best.largest if found and found.best.largest <= max(self.batches(cores), default=0) else 1

    def joined_rps(self, batch: int, cores: float) -> float:
        """The throughput with batches that the server joins from single requests.

        It is the figure under dynamic batching where the published configuration joins batches of this size, and else
        the throughput of full batches, in requests/s.
        """
        found = self.batching(cores)
        if found is not None and found.maximum is not None and batch == found.best.largest:
            return found.maximum.images_per_s
        return self.images_per_s(batch, cores)

    def single_rps(self, cores: float) -> float:
        """The throughput of single requests in requests/s, under dynamic batching where that is on."""
        found = self.batching(cores)
        return self.joined_rps(found.best.largest if found else 1, cores)

    def capacity_rps(self, cores: float, deadline_ms: float) -> float:
        """The highest Poisson rate of single requests that meets the deadline on `cores`, in requests/s.

        A deadline beyond the longest measured one has the rate of the longest, which is a lower bound; a deadline below
        the shortest has the rate 0. Where dynamic batching is on, its capacity holds from its deadline on.
        """
        batched = self.batching(cores)
        if batched is not None and batched.capacity.requests_per_s and deadline_ms >= batched.deadline_ms:
            return batched.capacity.requests_per_s
        own = self.profile.target.instances
        at = [point for point in self.profile.capacity if (point.cores, point.instances) == (cores, own)]
        self.needed(at or None, f"capacity on {cores:g} cores", Capacity)
        longest, shortest = max(point.deadline_ms for point in at), min(point.deadline_ms for point in at)
        if deadline_ms < shortest:
            return 0.0
        return self.at("capacity_requests_per_s", deadline_ms=min(deadline_ms, longest), cores=cores).value

    def provenance(self) -> str:
        """The variant, target, processor, server and date of the measurement, its verdict and load, on one line."""
        found, best = self.profile.fingerprint, self.standing
        others = "an unknown share" if best.others_share is None else f"{best.others_share:.0%}"
        server = f"{found.runtime} {found.runtime_version or ''}".strip()
        text = (
            f"{self.name} on {self.target}, throughput {best.verdict} with {others} of the cores used by others, "
            f"measured on {found.cpu_model}, "
            f"{server} with the {found.backend_kind} backend, {self.profile.measured_at:%Y-%m-%d}"
        )
        return " ".join(text.split())

    def _read(self, lookup: Lookup, where: Mapping[str, float]) -> Reading:
        try:
            return lookup.at(**where)
        except BadInputError as error:
            raise BadInputError(
                f"{self.name}: {error}; choose a measured value, or measure more with profile=full target={self.target}"
            ) from error
