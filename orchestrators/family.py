"""The variants of a task on a target as planners read them, from the metadata alone.

A figure is what was measured, or interpolated between what was; beyond the measured there is none, and `BadInputError`
says so and what would measure it.
"""

from dataclasses import replace

from porting.repository import Repository, tables
from porting.repository.lookup import Lookup
from porting.repository.measured import Measured, load_ms, needed
from profiler.common.errors import BadInputError
from profiler.records.capacity import Capacity
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import LoadTime

MS_PER_S = 1e3


def family(repository: Repository, task: str, target: str) -> list[Measured]:
    """The frontier of a task on a target in accuracy and throughput, the most accurate first.

    Raises `BadInputError` for an unknown task or target, and where nothing was measured.
    """
    found = []
    for published in repository.frontier(task, target):
        details = repository.details(published.name)
        found.append(Measured(published, details, details.profiles[target]))
    if not found:
        raise BadInputError(f"no variant of {task} was measured on {target}: run stage=profile,publish target={target}")
    return found


def cores(one: Measured) -> list[float]:
    """The numbers of cores on which its throughput was measured, with the target's own number of instances."""
    own = one.profile.target.instances
    return sorted({point.cores for point in one.profile.max_throughput if point.instances == own})


def latencies(one: Measured) -> Lookup:
    """Median latency by batch, cores and instances, all from one runtime: that which was measured on the most cores.

    Of several the target's own: a file in the profiler's process and the same file served differ by more than a core.
    """
    lookup, own = tables.latency(one.profile), one.profile.target
    cores = {name: {place[1] for place in table if place[2] == own.instances} for name, table in lookup.tables.items()}
    needed(any(cores.values()) or None, "latency", one, LatencyPoint)
    runtime = max(cores, key=lambda name: (len(cores[name]), name == own.runtime))
    return replace(lookup, tables={runtime: lookup.tables[runtime]})


def batches(one: Measured, cores: float) -> list[int]:
    """The measured batch sizes whose latency is known on so many cores: measured there, or on fewer and on more."""
    own = one.profile.target.instances
    (table,) = latencies(one).tables.values()
    at: dict[int, list[float]] = {}
    for batch, count, instances in table:
        if instances == own:
            at.setdefault(int(batch), []).append(count)
    return sorted(batch for batch, counts in at.items() if min(counts) <= cores <= max(counts))


def latency_ms(one: Measured, batch: int, cores: float) -> float:
    """Median latency of one full batch on so many cores."""
    return looked_up(one, latencies(one), batch=batch, cores=cores)


def images_per_s(one: Measured, batch: int, cores: float) -> float:
    """Maximal throughput in batches of that size on so many cores."""
    needed(one.profile.best_throughput(), "maximal throughput", one, MaximalThroughput)
    return looked_up(one, tables.throughput(one.profile), batch=batch, cores=cores)


def capacity_rps(one: Measured, cores: float, deadline_ms: float) -> float:
    """The highest Poisson rate of single requests that was seen to be in time on so many cores, in requests/s.

    That of the longest measured deadline where the asked one is longer still: at least as much is in time. 0 where no
    measured deadline is as short.
    """
    own = one.profile.target.instances
    at = [point for point in one.profile.capacity if (point.cores, point.instances) == (cores, own)]
    needed(at or None, f"capacity on {cores:g} cores", one, Capacity)
    longest, shortest = max(point.deadline_ms for point in at), min(point.deadline_ms for point in at)
    if deadline_ms < shortest:
        return 0.0
    return looked_up(one, tables.capacity(one.profile), deadline_ms=min(deadline_ms, longest), cores=cores)


def looked_up(one: Measured, lookup: Lookup, **where: float) -> float:
    """The figure there; where none was measured the error says of which variant, and what measures more."""
    try:
        return lookup.at(**where).value
    except BadInputError as error:
        target = one.profile.target_name
        raise BadInputError(
            f"{one.name}: {error}; stay inside, or measure more with profile=full target={target}"
        ) from error


def load_s(one: Measured) -> float:
    """From the load call until ready, the file in the page cache."""
    return needed(load_ms(one.profile), "load time", one, LoadTime) / MS_PER_S
