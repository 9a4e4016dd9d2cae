"""The speed of simulated policies: requests a second by events, and a day of a fleet by rates, in CPU time."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeVar

import numpy as np
from figures import Figure, record

from orchestrators.deployment import Deployment
from orchestrators.forecast import WindowedMaximum
from orchestrators.load import constant, poisson_arrivals
from orchestrators.planners import trivial
from orchestrators.policies import Mechanism, Policy
from orchestrators.policies.fixed import Fixed
from orchestrators.policies.planned import Planned
from orchestrators.policies.trivial import Trivial
from orchestrators.simulation import Box, Result, Settings, simulate
from orchestrators.simulation.fleet import FleetResult, FleetSettings, fleet
from orchestrators.simulation.ladder import Ladder, Rung

REPEATS, SECONDS, DAY_S, SERVERS, INTERVAL_S = 5, 300, 86_400, 1_000, 10
GOAL = "to reach: 200,000"
ONE, EIGHT = Box(cores=1), Box(cores=8)
T = TypeVar("T")


@dataclass
class Stated:
    """A variant whose batches take a millisecond and `each_s` for every request, with the spread of real ones."""

    accuracy: float
    each_s: float
    spread: float = 0.15
    loading_cores: float = 1.0

    def joined(self, batch: int, _cores: float, /) -> int:
        """See `orchestrators.variant.Variant`."""
        return batch

    def service_s(self, batch: int, cores: float) -> Sequence[float]:
        return [0.0, *((0.001 + self.each_s * size) / cores for size in range(1, batch + 1))]

    def up_s(self, batch: int) -> float:
        return 0.4 + 10 * self.each_s * batch

    def kept(self, share: float) -> float:
        return max(0.0, 1 - 1.1 * share)


VARIANTS = {"large": Stated(0.96, 0.02), "middle": Stated(0.92, 0.005), "small": Stated(0.8, 0.0005)}
TASKS = "digits", "cifar10", "bees"
CATALOGUE = {(task, name): variant for task in TASKS for name, variant in VARIANTS.items()}


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def requests_per_s(
    policy: Callable[[], Policy], box: Box, rate_rps: float, seconds: int = SECONDS, tasks: Sequence[str] = TASKS[:1]
) -> Figure:
    """The simulated requests a second: schedules, events, and the figures of all requests."""

    def once() -> Result:
        demand_rps = constant(rate_rps, seconds)
        schedules = {task: poisson_arrivals(demand_rps, seed) for seed, task in enumerate(tasks)}
        return simulate(CATALOGUE, schedules, policy(), box, Settings(seconds=seconds, deadline_ms=400))

    runs = [timed(once) for _ in range(REPEATS)]
    rates = [found.all_tasks.sent / used_s for used_s, found in runs]
    late = runs[0][1].all_tasks.in_time_share
    note = f"{GOAL}; {runs[0][1].all_tasks.sent:,} requests, {late:.0%} in time, median of {REPEATS}"
    return Figure(median(rates), "requests/s", (min(rates), max(rates)), note)


def fixed(variant: str, **values: float) -> Callable[[], Policy]:
    """One deployment without changes."""
    usual = {"task": TASKS[0], "variant": variant, "cores": 1, "rate_rps": 0}
    return lambda: Fixed([Deployment.model_validate(usual | values)])


def ladder() -> Ladder:
    """Each version up to 80 % of its capacity."""
    return Ladder([
        Rung(Deployment(task=TASKS[0], variant=name, cores=1, rate_rps=0), variant, 0.8)
        for name, variant in VARIANTS.items()
    ])  # fmt: skip


def switching() -> Policy:
    return Planned({TASKS[0]: ladder().plan}, Mechanism(INTERVAL_S), WindowedMaximum(), {TASKS[0]: 130.0}, {})


def shared() -> Policy:
    """The trivial policy over three tasks."""
    versions = tuple(
        trivial.Version(name=name, accuracy=one.accuracy, images_per_s=1 / one.service_s(1, 1)[1])
        for name, one in VARIANTS.items()
    )
    tasks = tuple(trivial.Task(name=task, versions=versions, demand_rps=50) for task in TASKS)
    return Trivial(trivial.Problem(tasks=tasks), cores=1)


def event_figures() -> dict[str, Figure]:
    return {
        "one server, 500 requests/s": requests_per_s(fixed("small"), ONE, 500),
        "the same, ten times as long": requests_per_s(fixed("small"), ONE, 500, 10 * SECONDS),
        "eight servers, 4,000 requests/s": requests_per_s(fixed("small", replicas=8), EIGHT, 4000),
        "four servers, batches of up to 16, 5,000 requests/s": requests_per_s(
            fixed("small", replicas=4, batch=16), EIGHT, 5000
        ),
        "twice what a server can do": requests_per_s(fixed("large"), ONE, 95, 10 * SECONDS),
        "versions that switch, 130 requests/s": requests_per_s(switching, ONE, 130, 10 * SECONDS),
        "three tasks on one core, trivial policy": requests_per_s(shared, ONE, 50, 10 * SECONDS, TASKS),
        "a day at 10 requests/s": requests_per_s(fixed("large"), ONE, 10, DAY_S),
    }


def counts(servers: int) -> Iterator[np.ndarray]:
    """The requests of every server in every second of a day: waves with a phase of their own, and random noise."""
    generator = np.random.default_rng(0)
    phases = generator.uniform(0, 2 * np.pi, servers)
    for second in range(DAY_S):
        yield generator.poisson(60 * (1 + 0.9 * np.sin(2 * np.pi * second / DAY_S + phases))).astype(float)


def day(servers: int, settings: FleetSettings) -> FleetResult:
    return fleet(ladder(), counts(servers), settings)


def fleet_figures() -> dict[str, Figure]:
    settings, found = FleetSettings(box_cores=1, deadline_ms=400, interval_s=INTERVAL_S), {}
    for servers in (SERVERS // 10, SERVERS):
        used_s, result = timed(partial(day, servers, settings))
        note = f"{result.sent:,.0f} requests, drawing them included"
        found[f"a day of {servers:,} servers by rates"] = Figure(used_s, "s", note=note)
    return found


if __name__ == "__main__":
    record("simulation", event_figures() | fleet_figures())
