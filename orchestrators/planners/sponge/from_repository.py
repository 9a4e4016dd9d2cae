"""Sponge's problem, from a repository."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from orchestrators.family import family
from orchestrators.load import read_bandwidth
from orchestrators.planners.common import MS_PER_S
from orchestrators.planners.sponge.communication import communication_ms as taken_ms
from orchestrators.planners.sponge.problem import Problem
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError

FORM = "batch and cores"
# Inputs are float32.
BYTES_A_VALUE = 4


def from_repository(
    repository: Repository, *, task: str, target: str, demand_rps: float, slo_ms: float,
    communication_ms: Sequence[float] | None = None, bandwidth: Path | None = None, bandwidth_from_s: float = 0.0,
    variant: str | None = None, latency: Literal["table", "fit"] = "table", literal: bool = False, delta: float = 0.01,
    safety: float = 1.0,
) -> Problem:  # fmt: skip
    """The problem of a variant of the task (by default the most accurate) on the target, for requests with this SLO.

    `communication_ms` has the communication latency of each waiting request. Without it the requests wait that arrive
    within one SLO. Then `bandwidth`, a log (`orchestrators.load.read_bandwidth`), gives their latencies: they are sent
    evenly from `bandwidth_from_s` of the log on, each as large as the variant's input. The batch time is the measured
    table, interpolated, or as in the paper the published fit. `literal` gives all requests the highest communication
    latency. Raises `BadInputError` for an unknown name or a missing figure.
    """
    if latency not in SOURCES:
        raise BadInputError(f"unknown latency {latency!r}: choices are {', '.join(SOURCES)}")
    one = chosen(repository, task, target, variant)
    if communication_ms is not None and bandwidth is not None:
        raise BadInputError("communication_ms and bandwidth both state the latency of the network: give one of them")
    count = max(1, math.ceil(demand_rps * slo_ms / MS_PER_S))
    waiting = (
        communication_ms if communication_ms is not None else sent(one, count, slo_ms, bandwidth, bandwidth_from_s)
    )
    return Problem(
        variant=one.name,
        task=task,
        latency_ms=SOURCES[latency](one),
        demand_rps=demand_rps,
        remaining_ms=[slo_ms if literal else slo_ms - own for own in waiting],
        cl_max_ms=max(waiting, default=0.0) if literal else 0.0,
        delta=delta,
        safety=safety,
    )


def chosen(repository: Repository, task: str, target: str, variant: str | None) -> VariantOnTarget:
    """The named variant, or the most accurate one; raises `BadInputError` for an unknown name."""
    if variant is None:
        return family(repository, task, target)[0]
    published = sorted(one.name for one in repository.measured(task, target))
    if variant not in published:
        choices = ", ".join(published)
        raise BadInputError(f"no variant {variant!r} of {task} was measured on {target}: choices are {choices}")
    return repository.on(variant, target)


def sent(one: VariantOnTarget, count: int, slo_ms: float, bandwidth: Path | None, from_s: float) -> list[float]:
    """The communication latencies in ms of `count` requests that are sent evenly over one SLO; 0 without a log."""
    if bandwidth is None:
        return [0.0] * count
    log = read_bandwidth(bandwidth)
    moments_s = [from_s + place * slo_ms / MS_PER_S / count for place in range(count)]
    shape = tuple(one.details.input.shape)
    if -1 in shape and one.profile.latency:
        # Of an open size, the first measured one is the usual one.
        shape = one.profile.latency[0].input_shape
    size_bytes = BYTES_A_VALUE * math.prod(shape)
    taken: list[float] = taken_ms(moments_s, [size_bytes] * count, log.time_s, log.bytes_per_s).tolist()
    return taken


def measured_ms(one: VariantOnTarget) -> dict[int, dict[int, float]]:
    """The measured latencies in ms by whole number of cores and by batch."""
    lookup, own = one.latencies, one.profile.target.instances
    (table,) = lookup.tables.values()
    cores = {place[1] for place in table if place[2] == own}
    sizes = {int(place[0]) for place in table}
    found: dict[int, dict[int, float]] = {}
    for count in whole(cores):
        for batch in range(min(sizes), max(sizes) + 1):
            try:
                found.setdefault(count, {})[batch] = lookup.at(batch=batch, cores=count).value
            except BadInputError:
                # Some batches were measured on the target's own cores only.
                continue
    if not any(found.values()):
        raise BadInputError(
            f"{one.name} was measured on {min(cores):g} cores only, and whole ones are chosen: a run with profile=full "
            f"target={one.profile.target_name} and a whole number in profile.scaling.cores measures it"
        )
    return {count: by_batch for count, by_batch in found.items() if by_batch}


def fitted_ms(one: VariantOnTarget) -> dict[int, dict[int, float]]:
    """The fit γ · b / c + δ · b + ε / c + η in ms by whole number of cores and by batch, within its domain."""
    own = one.profile.target.runtime
    fits = [fit for fit in one.profile.fits if fit.form == FORM]
    if not fits:
        reason = next((no.reason for no in one.profile.refused_fits if no.form == FORM), "latency was not measured")
        raise BadInputError(
            f"{one.name} has no fit over batch and cores ({reason}): latency=table does without one, and a run with "
            f"profile=full target={one.profile.target_name} on at least three core counts gives one"
        )
    fit = max(fits, key=lambda fit: fit.conditions.get("runtime") == own)
    batches = fit.domain["batch"]
    return {
        cores: {
            batch: fit.at(batch=batch, cores=cores) for batch in range(math.ceil(batches.low), int(batches.high) + 1)
        }
        for cores in whole(fit.domain["cores"].values)
    }


def whole(cores: set[float] | tuple[float, ...]) -> range:
    """The whole numbers of cores from the fewest to the most."""
    return range(max(1, math.ceil(min(cores))), math.floor(max(cores)) + 1)


SOURCES: dict[str, Callable[[VariantOnTarget], dict[int, dict[int, float]]]] = {"table": measured_ms, "fit": fitted_ms}
