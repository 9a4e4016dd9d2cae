"""Model-Switching's problem, read from a published repository."""

import numpy as np

from orchestrators.family import family
from orchestrators.planners.model_switching.problem import Load, Problem, Variant
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.records.capacity import LoadPoint

PERCENTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99}


def from_repository(
    repository: Repository,
    *,
    task: str,
    target: str,
    demand_rps: float,
    deadline_ms: float,
    share: float = 1.0,
    literal: bool = False,
) -> Problem:
    """The problem of a task under single requests, with a guaranteed share (0 to 1) of the target's own cores.

    Raises `BadInputError` for an unknown task or target, where a version has no sweep over loads, and for a deadline
    shorter than what was measured.
    """
    found = family(repository, task, target)
    return Problem(
        task=task,
        variants=tuple(variant(one, deadline_ms, share) for one in found),
        demand_rps=demand_rps,
        deadline_ms=deadline_ms,
        cores=found[0].profile.target.cores,
        literal=literal,
    )


def variant(one: VariantOnTarget, deadline_ms: float, share: float = 1.0) -> Variant:
    """The variant with its shares in time by load, on a share of the cores."""
    sweep = [point for point in one.profile.own(one.profile.load) if point.batch == 1]
    points = {point.offered_per_s: point for point in one.needed(sweep or None, "share in time", LoadPoint)}
    loads = tuple(
        Load(
            offered_rps=offered_rps * share,
            in_time_share=share_within(point, deadline_ms, one, share),
            unstable=point.exploding is True,
        )
        for offered_rps, point in sorted(points.items())
    )
    return Variant(name=one.name, accuracy=one.accuracy().value, loads=loads)


def share_within(point: LoadPoint, deadline_ms: float, one: VariantOnTarget, cores_share: float = 1.0) -> float:
    """A lower bound of the share in time at this load; raises `BadInputError` where it is unknown."""
    percentiles = {getattr(point, field): share for field, share in PERCENTILES.items()}
    shares = percentiles | {found.deadline_ms: found.in_time_share for found in point.in_time}
    curve = sorted((at_ms / cores_share, share) for at_ms, share in shares.items() if at_ms is not None)
    shortest_ms, first = curve[0]
    if deadline_ms >= shortest_ms:
        times_ms, shares_in_time = np.transpose(curve)
        return float(np.interp(deadline_ms, times_ms, shares_in_time))
    alone_ms = one.latency_ms(1, one.profile.target.cores) / cores_share
    if first <= PERCENTILES["p50_ms"] or deadline_ms <= alone_ms:
        return 0.0
    measured = ", ".join(f"{share:.1%} within {at_ms:.4g} ms" for at_ms, share in curve)
    load = f"{one.name} at {point.offered_per_s * cores_share:.4g} requests/s"
    raise BadInputError(
        f"deadline_ms={deadline_ms:g} was not measured of {load}, but "
        f"{measured}: choose {shortest_ms:.4g} or more, or run profile=full "
        f"profile.capacity.deadlines_ms=[{deadline_ms * cores_share:.4g}]"
    )
