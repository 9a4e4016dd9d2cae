"""Operating points: variants on targets at batch sizes, with their figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from porting.repository.figures import METRICS
from porting.repository.interpolation import SOURCES
from porting.repository.reader import Repository
from porting.repository.schema import Figure, Published
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.common.target import Resources
from profiler.records.profile import Profile

# A capacity is that of single requests.
BY_BATCH = [name for name in SOURCES if name != "capacity_requests_per_s"]


@dataclass(frozen=True)
class OperatingPoint:
    """A variant on a target at one batch size; `figures` are those of the index, but at this `batch`.

    `unknown` holds the reasons for missing figures; `predicted` names the ones that are interpolated between batches.
    """

    variant: Published
    target: str
    batch: int
    resources: Resources
    figures: Mapping[str, Figure]
    unknown: Mapping[str, str]
    predicted: frozenset[str]


def operating_points(repository: Repository, task: str, target: str) -> Iterator[OperatingPoint]:
    """The operating points of a task on a target, at every batch size with a measured latency or throughput."""
    for variant in repository.measured(task, target):
        one = repository.on(variant.name, target)
        for batch in batches(one.profile):
            yield operating_point(one, batch)


def batches(profile: Profile) -> list[int]:
    """The batch sizes that were measured on the target's own resources, ascending."""
    latencies = {point.batch for point in profile.own(profile.latency)}
    return sorted(latencies | {point.batch for point in profile.own(profile.max_throughput)})


def operating_point(one: VariantOnTarget, batch: int) -> OperatingPoint:
    """The operating point of a variant at a batch size."""
    known = dict(one.standing.figures)
    unknown = {name: one.why_unknown(name) for name in METRICS if name not in known}
    predicted = set()
    for name in BY_BATCH:
        known.pop(name, None)
        unknown.pop(name, None)
        try:
            reading = one.lookup(name).at(batch=batch)
        except BadInputError as error:
            unknown[name] = str(error)
            continue
        known[name] = reading.value, reading.low, reading.high
        if reading.kind == "predicted":
            predicted.add(name)
    if batch > 1 and "capacity_requests_per_s" in known:
        del known["capacity_requests_per_s"]
        unknown["capacity_requests_per_s"] = "it was measured for single requests"
    return OperatingPoint(
        one.published, one.target, batch, one.profile.target.resources, known, unknown, frozenset(predicted)
    )
