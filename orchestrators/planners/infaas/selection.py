"""Which variant answers a query: Algorithm 1 of the paper without its choice of a worker."""

from collections.abc import Sequence

from pydantic import Field

from orchestrators.errors import Infeasible
from orchestrators.planners.common import MS_PER_S
from orchestrators.planners.infaas.problem import Variant
from profiler.common.errors import BadInputError
from profiler.records.base import Value


class Query(Value):
    """`inputs` of a task in one request, answered at least as accurately and within the latency."""

    task: str
    accuracy: float = Field(default=0.0, ge=0, le=1)
    latency_ms: float = Field(gt=0)
    inputs: int = Field(default=1, ge=1)


class Choice(Value):
    """The variant of a query; `load` says that an instance is to be loaded first, `late` that this takes too long."""

    variant: Variant
    load: bool
    waits_ms: float
    late: bool


def choose(query: Query, variants: Sequence[Variant], *, literal: bool = False) -> Choice:
    """The variant that answers; `literal` ranks as the paper and its code do.

    Equal ones are told apart by cost per request, time until answered and key. Raises `BadInputError` for a task that
    none is for, and `Infeasible` where none meets the query.
    """
    able = meeting(query, variants)
    ready = [one for one in able if one.running and one.given_rps < one.running * one.rate_rps]
    loaded = bool(ready)

    def waits_ms(one: Variant) -> float:
        return one.latency_ms + (0.0 if loaded else MS_PER_S * one.load_s)

    def literally(one: Variant) -> float:
        return query.latency_ms - one.latency_ms if loaded else waits_ms(one)

    def rank(one: Variant) -> tuple[float, ...]:
        late = waits_ms(one) > query.latency_ms
        first = literally(one) if literal else waits_ms(one) if late else 0.0
        return float(late and not literal), first, one.cost / one.rate_rps, waits_ms(one)

    chosen = min(ready or able, key=lambda one: (rank(one), one.key))
    waits = waits_ms(chosen)
    return Choice(variant=chosen, load=not loaded, waits_ms=waits, late=waits > query.latency_ms)


def meeting(query: Query, variants: Sequence[Variant]) -> list[Variant]:
    """The variants of the task that are large, accurate and quick enough; `Infeasible` names what none of them is."""
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
    """Which bound no variant of a task meets, and the nearest one there is; empty where some meets both."""
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
