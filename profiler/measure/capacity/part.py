"""What a served model carries: Poisson arrivals around its maximum, and the highest rate that is answered in time."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from profiler.common.errors import UnavailableError
from profiler.common.profile_settings import CapacitySettings
from profiler.common.target import Resources
from profiler.measure.available_resources import can_be_had
from profiler.measure.capacity.bisection import expected_seconds, measure_capacity
from profiler.measure.capacity.goal import Goal, usual_deadlines_ms
from profiler.measure.capacity.load_point import measure_load
from profiler.measure.capacity.trial_meter import BATCH, OVERHEAD_S, Maximum, TrialMeter
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.throughput.part import saturate, sweep
from profiler.records.base import Point
from profiler.records.capacity import Capacity, LoadPoint, Trial
from profiler.records.capacity import deadlines_ms as deadlines_of
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput
from profiler.target.model_under_test import ModelUnderTest

PART = "capacity"
MAX_CONCURRENCY = 8
SEARCH_SECONDS = 0.6


def measurements(model: ModelUnderTest, settings: CapacitySettings, ledger: Ledger) -> Measurements:
    """Loads and capacities on the target's own resources, then the capacities of other cores."""
    single_ms = yield from latency_ms(model, ledger)
    if single_ms is None:
        return
    deadlines_ms = settings.deadlines_ms or measured_ms(ledger) or settings.usual_deadlines_ms
    deadlines_ms = deadlines_ms or usual_deadlines_ms(single_ms)
    goals = [Goal(one, single_ms, settings.quantile, settings.seconds) for one in sorted(deadlines_ms)]
    for resources in resources_of(model, settings.cores):
        most = yield from maximum(model, resources, ledger)
        if most is None:
            continue
        plan = Plan(model, resources, goals, most)
        trials: list[Trial] = []
        if resources == model.own:
            for seed, load_share in enumerate(settings.loads):
                point = yield plan.load(load_share, seed)
                trials += [point.trial()] if isinstance(point, LoadPoint) else []
        for goal in goals:
            point = yield plan.capacity(goal, list(trials))
            trials += point.trials if isinstance(point, Capacity) else []


@dataclass(frozen=True)
class Plan:
    """What is measured on some resources, of which the maximal throughput is known; every trial looks at all goals."""

    model: ModelUnderTest
    resources: Resources
    goals: Sequence[Goal]
    most: Maximum

    def load(self, load_share: float, seed: int) -> Measurement:
        """A share of the maximum, offered for a while."""
        goal = self.goals[0]

        def measure() -> list[Point]:
            return [measure_load(self._meter(), load_share, goal.seconds, goal.quantile, seed)]

        place = Place(self.model.runtime, self.resources, BATCH, load_share=load_share)
        return Measurement(LoadPoint, place, goal.seconds + OVERHEAD_S, measure)

    def capacity(self, goal: Goal, trials: Sequence[Trial]) -> Measurement:
        """The search for one deadline's rate, from what earlier trials showed of it."""

        def measure() -> list[Point]:
            if goal.unreachable:
                raise UnavailableError(
                    f"the deadline of {goal.deadline_ms:g} ms is not above the {goal.latency_ms:.3g} ms of a request"
                )
            return [measure_capacity(self._meter(), goal, trials)]

        seconds = 0.0 if goal.unreachable else expected_seconds(goal, self.most, trials)
        return Measurement(Capacity, self.place(goal), seconds, measure)

    def place(self, goal: Goal) -> Place:
        """The place of a deadline's capacity."""
        runtime = self.model.runtime
        return Place(runtime, self.resources, BATCH, deadline_ms=goal.deadline_ms, quantile=goal.quantile)

    def _meter(self) -> TrialMeter:
        return TrialMeter(self.model, self.resources, [goal.deadline_ms for goal in self.goals], self.most)


def measured_ms(ledger: Ledger) -> list[float]:
    """The deadlines that this part has measured already."""
    points: list[LoadPoint | Capacity] = [*ledger.of(LoadPoint), *ledger.of(Capacity)]
    return deadlines_of(one for one in points if one.part == PART)


def latency_ms(model: ModelUnderTest, ledger: Ledger) -> Generator[Measurement, Point | None, float | None]:
    """The median latency of one input on the target's own resources: as served, or else in this process."""
    own = model.own
    yield sweep(model, own, BATCH, 1, SEARCH_SECONDS)
    found = [
        point
        for point in ledger.of(LatencyPoint)
        if (point.batch, point.concurrency, point.cores, point.threads) == (BATCH, 1, own.cores, own.threads)
        and point.input_shape == model.shapes[0]
    ]
    found.sort(key=lambda point: (point.runtime != model.runtime, point.instances != own.instances))
    return (found[0].p50_ms or found[0].mean_ms) if found else None


def resources_of(model: ModelUnderTest, cores: Sequence[float]) -> list[Resources]:
    """The target's own resources, then other numbers of cores that can be had.

    A server gets instances in proportion to its cores, which share them out to their threads.
    """
    own = model.own
    found = [own]
    for wanted in cores:
        instances = own.instances if model.in_process else max(1, round(own.instances * wanted / own.cores))
        resources = Resources(wanted, max(1, int(wanted // instances)), instances)
        if wanted != own.cores and can_be_had(model, resources):
            found.append(resources)
    return found


def maximum(
    model: ModelUnderTest, resources: Resources, ledger: Ledger
) -> Generator[Measurement, Point | None, Maximum | None]:
    """The most single requests; from a short search where no maximal throughput is known."""
    known = ledger.at(MaximalThroughput, Place(model.runtime, resources, BATCH))
    if known is not None:
        return Maximum(known.images_per_s / BATCH, known.relative_throughput / BATCH)
    saturation = yield from saturate(model, resources, BATCH, MAX_CONCURRENCY, SEARCH_SECONDS)
    return None if saturation is None else Maximum(saturation.images_per_s / BATCH, saturation.relative / BATCH)
