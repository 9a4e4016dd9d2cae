"""From a problem to its plan."""

from collections.abc import Sequence

from orchestrators.errors import Infeasible
from orchestrators.ipa import linear, product
from orchestrators.ipa.options import Option, options
from orchestrators.ipa.plan import Plan, planned
from orchestrators.ipa.problem import Problem


def solve(problem: Problem) -> Plan:
    """The plan of the highest objective, of equal ones the quickest.

    Raises `Infeasible` where no choice of variants and batches is in time.
    """
    stages = [options(problem, stage) for stage in problem.stages]
    for stage, offered in zip(problem.stages, stages, strict=True):
        if not offered:
            raise Infeasible(
                f"{stage.name} was measured at no batch of 1, and without demand no other one ever fills: "
                "measure batch 1, or plan for some demand"
            )
    way = product if problem.accuracy == "product" else linear
    chosen = way.best(problem, stages)
    if chosen is None:
        raise Infeasible(too_late(problem, stages))
    return planned(problem, chosen)


def too_late(problem: Problem, stages: Sequence[Sequence[Option]]) -> str:
    """That even the quickest options are too slow, and which stage takes the most of it."""
    quickest = [offered[0].time_ms for offered in stages]
    longest = max(zip(quickest, (stage.name for stage in problem.stages), strict=True))
    return (
        f"the quickest variants and batches take {sum(quickest):g} ms through all stages, and the deadline is "
        f"{problem.deadline_ms:g} ms: a longer deadline, or a quicker variant of {longest[1]}, which takes "
        f"{longest[0]:g} ms of it, would help"
    )
