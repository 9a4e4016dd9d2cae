"""The dynamic batching that a search chose for a served model, with its capacity and the one without it."""

from typing import ClassVar, Literal

from pydantic import Field

from profiler.common.batching import Batching
from profiler.records.base import Timed, Value, Verdict
from profiler.records.capacity import Capacity, Trial
from profiler.records.throughput import MaximalThroughput


class TriedBatching(Value):
    """A candidate of the search: the capacity that a model of the queue predicts, and its trials on the server."""

    batching: Batching
    predicted_requests_per_s: float = Field(ge=0)
    trials: tuple[Trial, ...]


class DynamicBatching(Timed):
    """The dynamic batching with the highest capacity under a deadline, and whether the published configuration has it.

    `capacity` is that of single requests with the best candidate, `without` that of the server without batching. The
    batching is `on` where the bracket of the first lies above that of the second, relative to the reference. `maximum`
    is the maximal throughput of single requests with it. The search took `search_s`.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "cores", "threads", "instances", "deadline_ms", "quantile")
    offered: Literal["Poisson"] = "Poisson"
    deadline_ms: float = Field(gt=0)
    quantile: float = Field(gt=0, lt=1)
    on: bool
    best: Batching
    capacity: Capacity
    without: Capacity
    maximum: MaximalThroughput | None
    tried: tuple[TriedBatching, ...]
    search_s: float = Field(ge=0)
    verdict: Verdict
    verdict_reason: str
