"""What a served model carries: Poisson arrivals around its maximum, and the highest rate that is answered in time."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from profiler.common.profile_settings import CapacitySettings
from profiler.common.resources import Resources
from profiler.measure.capacity.bisection import expected_seconds, measure_capacity
from profiler.measure.capacity.goal import Goal
from profiler.measure.capacity.load_point import measure_load
from profiler.measure.capacity.trial_meter import BATCH, OVERHEAD_S, TrialMeter
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Task, Tasks
from profiler.measure.scaling.part import can_be_had
from profiler.measure.throughput.part import at, saturate, sweep
from profiler.records.base import Point
from profiler.records.capacity import Capacity, LoadPoint, Trial
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import MaximalThroughput
from profiler.target.model_under_test import Subject

MAX_CONCURRENCY = 8
SEARCH_SECONDS = 0.6


def tasks(subject: Subject, settings: CapacitySettings, ledger: Ledger) -> Tasks:
    """Loads and capacities on the target's own resources, then the capacities of other cores."""
    base_ms = yield from latency_ms(subject, ledger)
    if base_ms is None:
        return
    goals = [Goal(m, m * base_ms, settings.quantile, settings.seconds) for m in sorted(settings.deadlines)]
    for resources in resources_of(subject, settings.cores):
        max_per_s = yield from maximum_per_s(subject, resources, ledger)
        if max_per_s is None:
            continue
        plan = Plan(subject, resources, goals, max_per_s)
        trials: list[Trial] = []
        if resources == subject.bench.target.resources:
            for seed, load_share in enumerate(settings.loads):
                point = yield plan.load(load_share, seed)
                trials += [point.trial()] if isinstance(point, LoadPoint) else []
        for goal in goals:
            point = yield plan.capacity(goal, list(trials))
            trials += point.trials if isinstance(point, Capacity) else []


@dataclass(frozen=True)
class Plan:
    """What is measured on some resources, of which the maximal throughput is known; every trial looks at all goals."""

    subject: Subject
    resources: Resources
    goals: Sequence[Goal]
    max_per_s: float

    def load(self, load_share: float, seed: int) -> Task:
        """A share of the maximum, offered for a while."""
        goal = self.goals[0]

        def measure() -> list[Point]:
            return [measure_load(self._meter(), load_share, goal.seconds, goal.quantile, seed)]

        place = {**at(self.subject, self.resources, BATCH), "load_share": load_share}
        return Task(LoadPoint, place, goal.seconds + OVERHEAD_S, measure)

    def capacity(self, goal: Goal, trials: Sequence[Trial]) -> Task:
        """The search for one deadline's rate, from what earlier trials showed of it."""

        def measure() -> list[Point]:
            return [measure_capacity(self._meter(), goal, trials)]

        place = {**at(self.subject, self.resources, BATCH), "deadline_multiple": goal.multiple}
        seconds = expected_seconds(goal, self.max_per_s, trials)
        return Task(Capacity, place | {"quantile": goal.quantile}, seconds, measure)

    def _meter(self) -> TrialMeter:
        return TrialMeter(self.subject, self.resources, [goal.deadline_ms for goal in self.goals], self.max_per_s)


def latency_ms(subject: Subject, ledger: Ledger) -> Generator[Task, Point | None, float | None]:
    """The median latency of one input on the target's own resources: as served, or else in this process."""
    own, host = subject.bench.target.resources, subject.bench.host
    yield sweep(subject, own, BATCH, 1, SEARCH_SECONDS)
    found = [
        point
        for point in ledger.of(LatencyPoint)
        if (point.batch, point.concurrency, point.cores, point.threads) == (BATCH, 1, own.cores, own.threads)
        and point.input_shape == subject.shapes[0]
    ]
    found.sort(key=lambda point: (point.runtime != host.runtime, point.instances != own.instances))
    return (found[0].corrected_p50_ms or found[0].p50_ms or found[0].mean_ms) if found else None


def resources_of(subject: Subject, cores: Sequence[float]) -> list[Resources]:
    """The target's own resources, then other numbers of cores that can be had.

    A server gets instances in proportion to its cores, which share them out to their threads.
    """
    own, in_process = subject.bench.target.resources, subject.bench.host.address is None
    found = [own]
    for wanted in cores:
        instances = own.instances if in_process else max(1, round(own.instances * wanted / own.cores))
        resources = Resources(wanted, max(1, int(wanted // instances)), instances)
        if wanted != own.cores and can_be_had(subject, resources):
            found.append(resources)
    return found


def maximum_per_s(
    subject: Subject, resources: Resources, ledger: Ledger
) -> Generator[Task, Point | None, float | None]:
    """The most single requests a second, drift divided out; from a short search where none is known."""
    place = at(subject, resources, BATCH)
    known = [point for point in ledger.of(MaximalThroughput) if point.at() == place]
    if known:
        return known[0].corrected_images_per_s / BATCH
    saturation = yield from saturate(subject, resources, BATCH, MAX_CONCURRENCY, SEARCH_SECONDS)
    return None if saturation is None else saturation.images_per_s / BATCH
