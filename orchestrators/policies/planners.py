"""The published planners as policies, each with its interval.

InfAdapter decides every 30 s, as its authors do. Sponge changes a running server and decides every second. The others
decide every 10 s, a choice of this project. A planner that reserves cores gets an even part of the box for each task,
and options that need more are left out. Paragon plans with machines alone: its serverless functions are not simulated.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

from orchestrators.deployment import Deployment
from orchestrators.forecast import Forecaster
from orchestrators.planners import inf_adapter as inf_adapter_planner
from orchestrators.planners import infaas as infaas_planner
from orchestrators.planners import ipa as ipa_planner
from orchestrators.planners import model_switching as model_switching_planner
from orchestrators.planners import paragon as paragon_planner
from orchestrators.planners import sponge as sponge_planner
from orchestrators.planners.infaas.from_repository import measured
from orchestrators.planners.ipa.options import within
from orchestrators.policies.environment import Environment
from orchestrators.policies.planned import USUAL_FORECAST, Planned, WithoutPlan, planned
from orchestrators.policies.policy import Mechanism
from profiler.common.errors import BadInputError

USUAL_INTERVAL_S = 10
Deployments = Sequence[Deployment]
# Makes the deployments of a task from its demand in requests/s and its present deployments.
Planning = Callable[[Environment, str, float, Deployments], Deployments]


def planner_policy(usual: Mechanism) -> Callable[[Planning], Callable[..., Planned]]:
    """The decorator that makes a factory of policies from a planning function.

    The factory takes the environment, the interval, the forecaster of the demand, and the rule for tasks without a
    plan. The interval of the `usual` mechanism is the default.
    """

    def decorate(planning: Planning) -> Callable[..., Planned]:
        def factory(
            environment: Environment, *, interval_s: int = usual.interval_s, forecaster: Forecaster = USUAL_FORECAST,
            without_plan: WithoutPlan = "keep",
        ) -> Planned:  # fmt: skip
            mechanism = replace(usual, interval_s=interval_s)
            return planned(environment, mechanism, partial(planning, environment), forecaster, without_plan)

        return factory

    return decorate


def solved(planner: ModuleType, environment: Environment, task: str, demand_rps: float, **settings: Any) -> Deployments:
    """The deployments that a planner with these settings decides for a task on the environment's target."""
    problem = planner.from_repository(
        environment.repository, task=task, target=environment.target, demand_rps=demand_rps,
        deadline_ms=environment.deadline_ms, **settings,
    )  # fmt: skip
    deployments: Deployments = planner.solve(problem).deployments
    return deployments


def model_switching(
    environment: Environment,
    *,
    literal: bool = False,
    interval_s: int = USUAL_INTERVAL_S,
    forecaster: Forecaster = USUAL_FORECAST,
    without_plan: WithoutPlan = "quickest",
) -> Planned:
    """The version of the highest effective accuracy on an even share of the cores.

    A server does not report waiting requests: the demand that it reports is at most its capacity. The margin of the
    forecast shows that a version is too slow.
    """
    share = min(1.0, environment.share_cores / environment.own_cores)

    def planning(task: str, demand_rps: float, _present: Deployments) -> Deployments:
        return solved(model_switching_planner, environment, task, demand_rps, share=share, literal=literal)

    return planned(environment, Mechanism(interval_s), planning, forecaster, without_plan)


@planner_policy(Mechanism(USUAL_INTERVAL_S, reserves=True))
def infaas(environment: Environment, task: str, demand_rps: float, present: Deployments) -> Deployments:
    """Instances of INFaaS's variants; a present deployment that is no such variant does not count as running."""
    variants = {(one.name, *measured_on) for one in environment.families[task] for measured_on in measured(one)}
    running = {
        f"{one.variant}@{environment.target}/cores={one.cores:g}/batch={one.batch}": one.replicas
        for one in present
        if (one.variant, one.batch, one.cores) in variants
    }
    most = environment.share_cores
    return solved(infaas_planner, environment, task, demand_rps, max_cores=most, running=running)


@planner_policy(Mechanism(30, reserves=True))
def inf_adapter(environment: Environment, task: str, demand_rps: float, present: Deployments) -> Deployments:
    """A set of variants for each task, with whole cores of its part of the box."""
    if environment.share_cores < 1:
        raise no_whole_core("InfAdapter", environment)
    most, previous = int(environment.share_cores), {one.variant: int(one.cores) for one in present}
    return solved(inf_adapter_planner, environment, task, demand_rps, max_cores=most, previous=previous)


@planner_policy(Mechanism(USUAL_INTERVAL_S, reserves=True))
def ipa(environment: Environment, task: str, demand_rps: float, _present: Deployments) -> Deployments:
    """Each task is a pipeline of one stage, on its part of the box."""
    problem = ipa_planner.from_repository(
        environment.repository, tasks=[task], target=environment.target, demand_rps=demand_rps,
        deadline_ms=environment.deadline_ms,
    )  # fmt: skip
    return ipa_planner.solve(within(problem, environment.share_cores)).deployments


@planner_policy(Mechanism(1, reserves=True, in_place=True))
def sponge(environment: Environment, task: str, demand_rps: float, _present: Deployments) -> Deployments:
    """The most accurate variant, whose cores and batch change in place within the task's part of the box."""
    problem = sponge_planner.from_repository(
        environment.repository, task=task, target=environment.target, demand_rps=demand_rps,
        slo_ms=environment.deadline_ms,
    )  # fmt: skip
    fitting = {cores: times for cores, times in problem.latency_ms.items() if cores <= environment.share_cores}
    if not fitting:
        raise no_whole_core("Sponge", environment)
    return sponge_planner.solve(problem.model_copy(update={"latency_ms": fitting})).deployments


def paragon(
    environment: Environment,
    *,
    interval_s: int = USUAL_INTERVAL_S,
    forecaster: Forecaster = USUAL_FORECAST,
    without_plan: WithoutPlan = "keep",
) -> Planned:
    """Machines for the forecast load, with the cheapest model that is in time."""

    def planning(task: str, demand_rps: float, _present: Deployments) -> Deployments:
        query = paragon_planner.QueryClass(
            name=task, task=task, rates_rps=[demand_rps], min_accuracy=0, max_latency_ms=environment.deadline_ms
        )
        problem = paragon_planner.from_repository(environment.repository, target=environment.target, classes=[query])
        return paragon_planner.solve(problem).deployments

    return planned(
        environment, Mechanism(interval_s, start_up_s=environment.start_up_s), planning, forecaster, without_plan
    )


def no_whole_core(planner: str, environment: Environment) -> BadInputError:
    """The error of a planner of whole cores where the part of a task is smaller."""
    return BadInputError(f"{planner} gives out whole cores, and each task has {environment.share_cores:g}: give more")
