"""IPA on a box: the published planner bounds its replicas by what they cost alone."""

from orchestrators.errors import Infeasible
from orchestrators.planners.ipa import Problem, Stage, Variant
from orchestrators.planners.ipa.options import options


def within(problem: Problem, cores: float) -> Problem:
    """A pipeline of one stage without the variants and batches whose replicas take more cores.

    Raises `Infeasible` where none is left.
    """
    (stage,) = problem.stages
    taken = {(one.variant.name, one.batch): one.replicas * one.variant.cores for one in options(problem, stage)}
    fitting = {place for place, needed in taken.items() if needed <= cores}
    if taken and not fitting:
        raise Infeasible(
            f"{problem.demand_rps:.4g} requests/s of {stage.name} take {min(taken.values()):g} cores or more, and it "
            f"has {cores:g}: more cores, or a quicker variant, would help"
        )
    left = [limited for one in stage.variants if (limited := only(one, fitting)) is not None]
    return problem.model_copy(update={"stages": [Stage(name=stage.name, variants=left)] if left else problem.stages})


def only(variant: Variant, fitting: set[tuple[str, int]]) -> Variant | None:
    """The variant with those of its batches."""
    kept = [batch for batch in variant.latency_ms if (variant.name, batch) in fitting]
    if not kept:
        return None
    return variant.model_copy(
        update={
            "latency_ms": {batch: variant.latency_ms[batch] for batch in kept},
            "throughput_rps": {batch: variant.throughput_rps[batch] for batch in kept},
        }
    )
