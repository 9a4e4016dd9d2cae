"""What a planner can choose from: a variant on a target at a batch size, with the figures it has there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from porting.repository import tables
from porting.repository.lookup import Lookup
from porting.repository.metrics import METRICS, why_unknown
from porting.repository.reader import Repository
from porting.repository.schema import Details, Figure, Published
from profiler.common.errors import BadInputError
from profiler.common.resources import Resources
from profiler.records.profile import Profile


@dataclass(frozen=True)
class Option:
    """One choice. `figures` are as in the index, but at this `batch`; what is unknown there has its reason.

    `predicted` names those that were interpolated between measured batches.
    """

    variant: Published
    target: str
    batch: int
    resources: Resources
    figures: Mapping[str, Figure]
    unknown: Mapping[str, str]
    predicted: frozenset[str]


def options(repository: Repository, task: str, target: str) -> Iterator[Option]:
    """Every variant of a task on a target at every batch size whose latency or throughput was measured there."""
    for variant in repository.measured(task, target):
        details = repository.details(variant.name)
        profile = details.profiles[target]
        for batch in batches(profile):
            yield option(variant, details, target, batch)


def batches(profile: Profile) -> list[int]:
    """The batch sizes that were measured on the target's own resources."""
    latencies = {point.batch for point in profile.own(profile.latency)}
    return sorted(latencies | {point.batch for point in profile.own(profile.max_throughput)})


def option(variant: Published, details: Details, target: str, batch: int) -> Option:
    """The variant at that batch size."""
    profile, standing = details.profiles[target], variant.targets[target]
    known = dict(standing.figures)
    unknown = {name: why_unknown(standing, name) for name in METRICS if name not in known}
    predicted = set()
    for name, lookup in by_batch(profile).items():
        known.pop(name, None)
        unknown.pop(name, None)
        try:
            reading = lookup.at(batch=batch)
        except BadInputError as error:
            unknown[name] = str(error)
            continue
        known[name] = reading.value, reading.low, reading.high
        if reading.kind == "predicted":
            predicted.add(name)
    if batch > 1 and "capacity_requests_per_s" in known:
        del known["capacity_requests_per_s"]
        unknown["capacity_requests_per_s"] = "it was measured for single requests"
    return Option(variant, target, batch, profile.target.resources, known, unknown, frozenset(predicted))


def by_batch(profile: Profile) -> dict[str, Lookup]:
    """The figures of the index that depend on the batch size."""
    return {
        "p50_ms": tables.latency(profile),
        "p99_ms": tables.p99(profile),
        "images_per_s": tables.throughput(profile),
        "peak_bytes": tables.memory(profile),
        "first_inference_ms": tables.first_inference(profile),
    }
