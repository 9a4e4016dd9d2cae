"""IPA's problem, from a repository."""

from collections.abc import Sequence
from statistics import mean
from typing import Literal

from orchestrators import family
from orchestrators.planners.ipa.problem import Problem, Stage, Variant
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError

SLA_FACTOR = 5.0


def from_repository(
    repository: Repository,
    *,
    tasks: Sequence[str],
    target: str,
    demand_rps: float,
    deadline_ms: float | None = None,
    accuracy: Literal["sum", "mean", "product"] = "sum",
    threshold_rps: float = 4.0,
    alpha: float = 2.0,
    beta: float = 1.0,
    delta: float = 1e-6,
    literal: bool = False,
) -> Problem:
    """A pipeline of the tasks in that order, each variant with its base allocation of cores.

    `threshold_rps` is the rate that a replica needs to reach within its stage's SLA. `deadline_ms` defaults to the sum
    of the stages' SLAs. Raises `BadInputError` for an unknown name or a missing figure, and for a task of which no
    variant reaches the threshold.
    """
    families = {task: family.family(repository, task, target) for task in tasks}
    slas_ms = {task: sla_ms(variants) for task, variants in families.items()}
    return Problem(
        stages=[stage(task, families[task], threshold_rps, slas_ms[task]) for task in tasks],
        demand_rps=demand_rps,
        deadline_ms=sum(slas_ms.values()) if deadline_ms is None else deadline_ms,
        accuracy=accuracy,
        alpha=alpha,
        beta=beta,
        delta=delta,
        literal=literal,
    )


def sla_ms(variants: Sequence[VariantOnTarget]) -> float:
    """The SLA of a stage: 5 × the mean latency of one input, each variant on its fewest measured cores."""
    return SLA_FACTOR * mean(one.latency_ms(1, min(one.cores())) for one in variants)


def stage(task: str, variants: Sequence[VariantOnTarget], threshold_rps: float, sla_ms: float) -> Stage:
    """The stage of the variants that reach the threshold, each on the fewest cores that suffice."""
    found = [variant for one in variants if (variant := allocated(one, threshold_rps, sla_ms)) is not None]
    if not found:
        raise BadInputError(
            f"no variant of {task} reaches threshold_rps={threshold_rps:g} within the stage's {sla_ms:g} ms on any "
            "measured number of cores: give a lower threshold_rps, or measure more cores"
        )
    return Stage(name=task, variants=found)


def allocated(one: VariantOnTarget, threshold_rps: float, sla_ms: float) -> Variant | None:
    """The variant on its base allocation of cores; `None` without one."""
    for cores in one.cores():
        latency_ms = {batch: one.latency_ms(batch, cores) for batch in batches(one, cores)}
        rates = {batch: one.joined_rps(batch, cores) for batch in latency_ms}
        if any(rate >= threshold_rps and latency_ms[batch] <= sla_ms for batch, rate in rates.items()):
            return Variant(
                name=one.name,
                accuracy=one.accuracy().value,
                cores=cores,
                latency_ms=latency_ms,
                throughput_rps=rates,
            )
    return None


def batches(one: VariantOnTarget, cores: float) -> list[int]:
    """The batches whose latency and throughput were both measured on this number of cores.

    Where dynamic batching is on, the largest batch that the server joins is one of them.
    """
    own = one.profile.target.instances
    rated = {point.batch for point in one.profile.max_throughput if (point.cores, point.instances) == (cores, own)}
    joined = {one.joined_batch(cores)} - {1}
    return sorted(rated & set(one.batches(cores)) | joined)
