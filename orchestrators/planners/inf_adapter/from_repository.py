"""InfAdapter's problem, from a repository."""

from collections.abc import Mapping

from orchestrators.family import family
from orchestrators.planners.inf_adapter.problem import Problem, Variant
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget


def from_repository(
    repository: Repository,
    *,
    task: str,
    target: str,
    demand_rps: float,
    deadline_ms: float = 750.0,
    max_cores: int | None = None,
    min_cores: int = 1,
    previous: Mapping[str, int] | None = None,
    alpha: float = 1.0,
    beta: float = 0.05,
    gamma: float = 0.001,
) -> Problem:
    """The problem with the variants of a task on a target, each with its capacity by measured whole cores.

    `max_cores` defaults to the highest measured number. Variants of the `previous` plan that are no longer published
    are left out, as they can get no cores. Raises `BadInputError` for an unknown name or a missing figure.
    """
    variants = [
        Variant(
            name=one.name,
            accuracy=one.accuracy().value,
            load_time_s=one.load_s(),
            capacity_rps={0: 0.0} | {cores: one.capacity_rps(cores, deadline_ms) for cores in whole_cores(one)},
        )
        for one in family(repository, task, target)
    ]
    names = {one.name for one in variants}
    return Problem(
        task=task,
        variants=variants,
        demand_rps=demand_rps,
        max_cores=max(max(one.capacity_rps) for one in variants) if max_cores is None else max_cores,
        min_cores=min_cores,
        previous={name: cores for name, cores in (previous or {}).items() if name in names},
        alpha=alpha,
        beta=beta,
        gamma=gamma,
    )


def whole_cores(one: VariantOnTarget) -> list[int]:
    """The whole numbers of cores of the measured capacities; 1 without any, for which the capacity is missing."""
    own = one.profile.target.instances
    return sorted({int(at.cores) for at in one.profile.capacity if at.instances == own and at.cores % 1 == 0}) or [1]
