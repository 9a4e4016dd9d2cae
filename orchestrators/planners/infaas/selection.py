"""The choice of a variant for a query: Algorithm 1 of the paper without the choice of a worker."""

from collections.abc import Sequence

from pydantic import Field

from orchestrators.deployment import Infeasible
from orchestrators.planners.common import MS_PER_S
from orchestrators.planners.infaas.problem import Variant
from profiler.common.errors import BadInputError
from profiler.records.base import Value


class Query(Value):
    """A request with `inputs` of a task, a minimal accuracy and a maximal latency."""

    task: str
    accuracy: float = Field(default=0.0, ge=0, le=1)
    latency_ms: float = Field(gt=0)
    inputs: int = Field(default=1, ge=1)


class Choice(Value):
    """The variant for a query; with `load` an instance is loaded first, with `late` it answers too late."""

    variant: Variant
    load: bool
    waits_ms: float
    late: bool


def choose(query: Query, variants: Sequence[Variant], *, literal: bool = False) -> Choice:
    """The variant that answers; `literal` ranks as the paper and its code do.

    Of equal ones cost per request, time until the answer and key decide. Raises `BadInputError` for a task without a
    variant, and `Infeasible` where none meets the query.
    """
    able = meeting(query, variants)
    ready = [one for one in able if one.running and one.given_rps < one.running * one.rate_rps]

    def waits_ms(one: Variant) -> float:
        return one.latency_ms + (0.0 if ready else MS_PER_S * one.load_s)

    def rank(one: Variant) -> tuple[float, ...]:
        late = not literal and waits_ms(one) > query.latency_ms
        first = waits_ms(one) if late or literal else 0.0
        if literal and ready:
            first = query.latency_ms - one.latency_ms
        return float(late), first, one.cost / one.rate_rps, waits_ms(one)

    chosen = min(ready or able, key=lambda one: (rank(one), one.key))
    waits = waits_ms(chosen)
    return Choice(variant=chosen, load=not ready, waits_ms=waits, late=waits > query.latency_ms)


def meeting(query: Query, variants: Sequence[Variant]) -> list[Variant]:
    """The variants of the task within the query's bounds; raises `Infeasible` for a bound that none meets."""
    own = [one for one in variants if one.task == query.task]
    if not own:
        tasks = ", ".join(sorted({one.task for one in variants}))
        raise BadInputError(f"no variant is for the task {query.task!r}: choices are {tasks or 'none'}")
    large = [one for one in own if one.batch >= query.inputs]
    if not large:
        most = max(one.batch for one in own)
        raise Infeasible(f"a query of {query.inputs} inputs, and no variant takes more than {most}: split it")
    unable = why_none(query.task, large, query.accuracy, query.latency_ms)
    if unable:
        raise Infeasible(unable)
    return [one for one in large if one.meets(query.accuracy, query.latency_ms)]


def why_none(task: str, variants: Sequence[Variant], accuracy: float, latency_ms: float) -> str:
    """The message for a bound that no variant of a task meets, with the nearest; empty where one meets both."""
    accurate = [one for one in variants if one.accuracy >= accuracy]
    if not accurate:
        best = max(variants, key=lambda one: one.accuracy)
        return f"no variant of {task} is {accuracy:.4g} accurate: the best is {best.key} with {best.accuracy:.4g}"
    quickest = min(accurate, key=lambda one: one.latency_ms)
    if quickest.latency_ms > latency_ms:
        return (
            f"no variant of {task} that is {accuracy:.4g} accurate answers in {latency_ms:.4g} ms: "
            f"the quickest is {quickest.key} with {quickest.latency_ms:.4g} ms"
        )
    return ""
