"""The loop of a simulation: schedule -> pool -> station -> answers -> result."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from orchestrators.deployment import Deployment
from orchestrators.policies.policy import Observation, Policy, decided
from orchestrators.simulation.cluster import Cluster
from orchestrators.simulation.pool import Pool
from orchestrators.simulation.result import Answers, Result, figures
from orchestrators.variant import Catalogue, Variant
from profiler.common.errors import BadInputError
from profiler.common.target import Target
from profiler.records.base import Value

S_PER_HOUR = 3600


class Box(Value):
    """The hardware: `cores`, and the price of one core for an hour where it is known."""

    cores: float = Field(gt=0)
    core_hour: float | None = Field(default=None, ge=0)
    currency: str | None = None

    @classmethod
    def of(cls, target: Target, cores: float | None = None) -> "Box":
        """A box with `cores`, by default all of the target, at the target's price."""
        price, there = target.price, target.cores if cores is None else cores
        if price is None or price.per_hour is None:
            return cls(cores=there)
        return cls(cores=there, core_hour=price.per_hour / target.cores, currency=price.currency)


class Settings(Value):
    """The settings of a run of `seconds`; a request without an answer `drain_s` after its end is lost."""

    seconds: int = Field(ge=1)
    deadline_ms: float = Field(gt=0)
    drain_s: int = Field(default=10, ge=0)
    seed: int = 0


Schedules = Mapping[str, NDArray[np.float64]]


def simulate(
    catalogue: Catalogue, schedules: Schedules, policy: Policy, box: Box, settings: Settings, name: str = "policy"
) -> Result:
    """Sends every task's requests at the moments (s) of its schedule; the same seed gives the same result.

    `name` is the policy's in the result. Raises `BadInputError` for a schedule that is not sorted or leaves the run, a
    first plan that leaves a task without a server, and a plan with an unknown variant.
    """
    for task, moments_s in schedules.items():
        inside = (moments_s >= 0) & (moments_s < settings.seconds)
        if not (inside.all() and (np.diff(moments_s) >= 0).all()):
            raise BadInputError(f"the schedule of {task} must be sorted moments from 0 to below {settings.seconds} s")
    return Run(catalogue, schedules, policy, box, settings).result(name)


class Run:
    """One run, whose series by second are arrays that the policy gets up to the present."""

    def __init__(
        self, catalogue: Catalogue, schedules: Schedules, policy: Policy, box: Box, settings: Settings
    ) -> None:
        self._catalogue, self._policy, self._box, self._settings = catalogue, policy, box, settings
        generators = np.random.default_rng(settings.seed).spawn(len(schedules))
        edges = np.arange(settings.seconds + 1)
        self._demand = {task: np.histogram(moments_s, edges)[0] * 1.0 for task, moments_s in schedules.items()}
        self._pools = {
            task: Pool(task, moments_s, of_task(catalogue, task), policy.mechanism, generator)
            for (task, moments_s), generator in zip(schedules.items(), generators, strict=True)
        }
        self._one_box = policy.mechanism.start_up_s is None
        self._cluster = Cluster(list(self._pools.values()), box.cores if self._one_box else None)
        self._cpu_share = np.zeros(settings.seconds)
        self._used_cores = {task: np.zeros(settings.seconds) for task in schedules}
        self._held_cores = np.zeros(settings.seconds)
        self._planned: dict[str, list[Deployment]] = {}
        self._infeasible = 0

    def result(self, name: str) -> Result:
        """Runs the simulation; `name` is the policy's."""
        seconds = self._settings.seconds
        for second in range(seconds):
            if second % self._policy.mechanism.interval_s == 0:
                self._decide(second)
            held_core_s = self._cluster.held_core_s
            self._cpu_share[second] = self._cluster.second(second + 1.0)
            for task, pool in self._pools.items():
                self._used_cores[task][second] = self._cluster.used_cores(pool)
            self._held_cores[second] = self._cluster.held_core_s - held_core_s
        used_core_s = self._cluster.used_core_s
        for second in range(seconds, seconds + self._settings.drain_s):
            self._cluster.second(second + 1.0)
        return self._written(name, used_core_s)

    def _decide(self, second: int) -> None:
        """Asks the policy for a plan, and gives each pool its part."""
        observation = Observation(
            demand_rps={task: demand[:second] for task, demand in self._demand.items()},
            used_cores={task: used[:second] for task, used in self._used_cores.items()},
            cpu_share=self._cpu_share[:second],
            deployments=[one for plan in self._planned.values() for one in plan],
            changing=any(pool.changing for pool in self._pools.values()),
        )
        decision = decided(self._policy, second, observation)
        self._infeasible += decision.infeasible
        if decision.deployments is None and second > 0:
            return
        plan = decision.deployments or []
        by_task: dict[str, list[Deployment]] = {}
        for one in plan:
            by_task.setdefault(one.task, []).append(one)
        if self._one_box and (large := max((one.cores for one in plan), default=0)) > self._box.cores:
            raise BadInputError(f"the policy wants a server of {large:g} cores on {self._box.cores:g}")
        if second == 0 and (missing := self._pools.keys() - by_task.keys()):
            raise BadInputError(f"the policy begins without a server for {', '.join(sorted(missing))}")
        for task, deployments in by_task.items():
            self._pools[task].change(deployments, float(second), second == 0)
        self._planned |= by_task

    def _written(self, name: str, used_core_s: float) -> Result:
        seconds, deadline_ms = self._settings.seconds, self._settings.deadline_ms
        held_core_s = float(self._held_cores.sum())
        cost, currency, reasons = priced(held_core_s, self._box)
        answers, switches = {}, {}
        for task, pool in self._pools.items():
            switches[task] = len(pool.serving) - 1
            answers[task] = Answers(pool.moments_s, deadline_ms)
            for station, variant in pool.variant_of.items():
                requests, ended_s = station.answers()
                in_run = ended_s <= seconds + self._settings.drain_s
                accuracy = self._catalogue[task, variant].accuracy
                answers[task].add(requests[in_run], ended_s[in_run], accuracy)
        return Result(
            policy=name,
            seconds=seconds,
            deadline_ms=deadline_ms,
            all_tasks=figures(list(answers.values()), sum(switches.values())),
            tasks={task: figures([found], switches[task]) for task, found in answers.items()},
            cpu_share=float(self._cpu_share.mean()),
            held_core_s=held_core_s,
            used_core_s=used_core_s,
            cost=cost,
            currency=currency,
            infeasible=self._infeasible,
            serving={
                task: tuple((moment_s, tuple(variants)) for moment_s, variants in pool.serving)
                for task, pool in self._pools.items()
            },
            series={task: found.series(seconds) for task, found in answers.items()},
            cpu_share_by_second=tuple(self._cpu_share.tolist()),
            held_cores_by_second=tuple(self._held_cores.tolist()),
            reasons=reasons,
        )


def of_task(catalogue: Catalogue, task: str) -> dict[str, Variant]:
    """The variants of a task by name; raises `BadInputError` for a task without any."""
    found = {name: variant for (owner, name), variant in catalogue.items() if owner == task}
    if not found:
        tasks = sorted({owner for owner, _ in catalogue})
        raise BadInputError(f"no variant of the task {task!r}: choices are {', '.join(tasks)}")
    return found


def priced(held_core_s: float, box: Box) -> tuple[float | None, str | None, dict[str, str]]:
    """The cost of the reserved cores and its currency, or the reasons why they are unknown."""
    if box.core_hour is None:
        return None, None, dict.fromkeys(("cost", "currency"), "the target states no price per hour")
    return held_core_s / S_PER_HOUR * box.core_hour, box.currency, {}
