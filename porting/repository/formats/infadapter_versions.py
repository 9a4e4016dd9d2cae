"""The numbered versions of InfAdapter, and the latency objectives that all of them can be measured against."""

import math
from dataclasses import dataclass

from porting.repository.formats.kubernetes import mebibytes
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.records.capacity import Capacity

QUANTILE, BATCH = 0.99, 1
# The numbers of cores that its training script uses.
TRAINED_ON = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Version:
    """A variant under its InfAdapter number, with the memory, load time and capacities of a container."""

    number: int
    one: VariantOnTarget
    memory: str
    load_s: float
    capacities: list[Capacity]


def version(number: int, one: VariantOnTarget) -> Version:
    """The InfAdapter version of a variant; raises `BadInputError` for a missing figure."""
    return Version(
        number,
        one,
        mebibytes(round(one.needed_figure("peak_bytes", "memory of serving processes"))),
        one.load_s(),
        capacities(one),
    )


def capacities(one: VariantOnTarget) -> list[Capacity]:
    """The capacities for single requests at the 99th percentile; raises `BadInputError` for too few to fit a line."""
    instances = one.profile.target.instances
    found = [
        point
        for point in one.profile.capacity
        if (point.batch, point.quantile, point.instances) == (BATCH, QUANTILE, instances)
        and point.requests_per_s is not None
    ]
    cores = sorted({point.cores for point in found})
    if len(set(cores) & set(TRAINED_ON)) < 2:
        known = ", ".join(f"{count:g}" for count in cores) or "none"
        raise BadInputError(
            f"{one.name} has capacities at {known} cores, and InfAdapter fits a line through two of 1, 2, 4, 8, 16: "
            f"a run with profile=full 'profile.capacity.cores=[1,2]' target={one.profile.target_name} measures them"
        )
    return found


def objectives_ms(versions: list[Version]) -> list[int]:
    """The objectives, ascending, within which every version has a measured deadline on all its cores."""
    points = [point for one in versions for point in one.capacities]
    shortest: dict[tuple[int, float], float] = {}
    for one in versions:
        for point in one.capacities:
            at = one.number, point.cores
            shortest[at] = min(point.deadline_ms, shortest.get(at, math.inf))
    return sorted({math.ceil(point.deadline_ms) for point in points if point.deadline_ms >= max(shortest.values())})
