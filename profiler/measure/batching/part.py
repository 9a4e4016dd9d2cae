"""The dynamic batching of a Triton server: the settings with the highest capacity of single requests in time."""

from collections.abc import Generator

from profiler.common.errors import UnavailableError
from profiler.common.profile_settings import DynamicBatchingSettings
from profiler.measure.batching.search import Search
from profiler.measure.capacity.goal import Goal, usual_deadlines_ms
from profiler.measure.capacity.part import Plan, latency_ms, maximum, measured_ms
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.records.base import Point
from profiler.records.capacity import Capacity
from profiler.records.dynamic_batching import DynamicBatching
from profiler.records.place import Place
from profiler.target.model_under_test import ModelUnderTest


def measurements(model: ModelUnderTest, settings: DynamicBatchingSettings, ledger: Ledger) -> Measurements:
    """The capacity without batching where it is not known, then one search."""
    if model.runtime != "triton":
        reason = f"dynamic batching is measured on Triton only, and this runtime is {model.runtime}"
        yield unavailable(model, settings, settings.deadline_ms or 0.0, reason)
        return
    search = yield from search_of(model, settings, ledger)
    if search is not None:
        at = place(model, settings, search.goal.deadline_ms)
        yield Measurement(DynamicBatching, at, settings.search_seconds, lambda: [search.run()])


def search_of(
    model: ModelUnderTest, settings: DynamicBatchingSettings, ledger: Ledger
) -> Generator[Measurement, Point | None, Search | None]:
    """The search from what is known of the model without batching; `None` where that is not enough."""
    goal = yield from goal_of(model, settings, ledger)
    most = yield from maximum(model, model.own, ledger)
    if goal is None or most is None:
        return None
    without = yield Plan(model, model.own, [goal], most).capacity(goal, [])
    if not isinstance(without, Capacity):
        yield unavailable(model, settings, goal.deadline_ms, "the capacity without dynamic batching is unknown")
        return None
    return Search(model, goal, settings, most, without)


def goal_of(
    model: ModelUnderTest, settings: DynamicBatchingSettings, ledger: Ledger
) -> Generator[Measurement, Point | None, Goal | None]:
    """The goal under the deadline of the settings, or else under the middle one of the capacities."""
    single_ms = yield from latency_ms(model, ledger)
    if single_ms is None:
        return None
    deadlines_ms = measured_ms(ledger) or usual_deadlines_ms(single_ms)
    deadline_ms = settings.deadline_ms or deadlines_ms[len(deadlines_ms) // 2]
    return Goal(deadline_ms, single_ms, settings.quantile, settings.seconds)


def place(model: ModelUnderTest, settings: DynamicBatchingSettings, deadline_ms: float) -> Place:
    """The place of the point under a deadline."""
    return Place(model.runtime, model.own, deadline_ms=deadline_ms, quantile=settings.quantile)


def unavailable(
    model: ModelUnderTest, settings: DynamicBatchingSettings, deadline_ms: float, reason: str
) -> Measurement:
    """The measurement that is missing for a reason."""

    def measure() -> list[Point]:
        raise UnavailableError(reason)

    return Measurement(DynamicBatching, place(model, settings, deadline_ms), 0.0, measure)
