"""The published planners as policies, each with its interval.

InfAdapter decides every 30 s, as its authors do; Sponge, which changes a running server, every second; the others every
10 s, a choice of this project. A planner that reserves cores, or needs some, gets an even part of the box for each
task; options that need more are left out. Paragon plans with machines alone: its serverless functions are not
simulated. Every policy takes a forecaster for the demand, and a rule for tasks without a plan.
"""

from collections.abc import Sequence

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
from orchestrators.policies.machines import start_up_s
from orchestrators.policies.planned import USUAL_FORECAST, Planned, Without, planned
from orchestrators.policies.policy import Ways
from orchestrators.policies.world import World
from profiler.common.errors import BadInputError

USUAL_INTERVAL_S = 10
Deployments = Sequence[Deployment]


def model_switching(
    world: World,
    *,
    literal: bool = False,
    interval_s: int = USUAL_INTERVAL_S,
    forecaster: Forecaster = USUAL_FORECAST,
    without_plan: Without = "quickest",
) -> Planned:
    """The version of the highest effective accuracy on an even share of the cores.

    A server does not report waiting requests: the demand that it reports is at most its capacity. The margin of the
    forecast shows that a version is too slow.
    """

    def solved(task: str, demand_rps: float, _present: Deployments) -> Deployments:
        problem = model_switching_planner.from_repository(
            world.repository,
            task=task,
            target=world.target,
            demand_rps=demand_rps,
            deadline_ms=world.deadline_ms,
            share=min(1.0, world.share_cores / world.own_cores),
            literal=literal,
        )
        return model_switching_planner.solve(problem).deployments

    return planned(world, Ways(interval_s), solved, forecaster, without_plan)


def infaas(
    world: World,
    *,
    interval_s: int = USUAL_INTERVAL_S,
    forecaster: Forecaster = USUAL_FORECAST,
    without_plan: Without = "keep",
) -> Planned:
    """Instances of INFaaS's variants; a present deployment that is no such variant does not count as running."""

    def solved(task: str, demand_rps: float, present: Deployments) -> Deployments:
        ways = {(one.name, *way) for one in world.families[task] for way in measured(one)}
        running = {
            f"{one.variant}@{world.target}/cores={one.cores:g}/batch={one.batch}": one.replicas
            for one in present
            if (one.variant, one.batch, one.cores) in ways
        }
        problem = infaas_planner.from_repository(
            world.repository,
            task=task,
            target=world.target,
            demand_rps=demand_rps,
            deadline_ms=world.deadline_ms,
            max_cores=world.share_cores,
            running=running,
        )
        return infaas_planner.solve(problem).deployments

    return planned(world, Ways(interval_s, reserves=True), solved, forecaster, without_plan)


def inf_adapter(
    world: World,
    *,
    interval_s: int = 30,
    forecaster: Forecaster = USUAL_FORECAST,
    without_plan: Without = "keep",
) -> Planned:
    """A set of variants for each task, with whole cores of its part of the box."""
    if world.share_cores < 1:
        raise BadInputError(f"InfAdapter gives out whole cores, and {world.share_cores:g} are there for each task")

    def solved(task: str, demand_rps: float, present: Deployments) -> Deployments:
        problem = inf_adapter_planner.from_repository(
            world.repository,
            task=task,
            target=world.target,
            demand_rps=demand_rps,
            deadline_ms=world.deadline_ms,
            max_cores=int(world.share_cores),
            previous={one.variant: int(one.cores) for one in present},
        )
        return inf_adapter_planner.solve(problem).deployments

    return planned(world, Ways(interval_s, reserves=True), solved, forecaster, without_plan)


def ipa(
    world: World,
    *,
    interval_s: int = USUAL_INTERVAL_S,
    forecaster: Forecaster = USUAL_FORECAST,
    without_plan: Without = "keep",
) -> Planned:
    """Each task is a pipeline of one stage, on its part of the box."""

    def solved(task: str, demand_rps: float, _present: Deployments) -> Deployments:
        problem = ipa_planner.from_repository(
            world.repository,
            tasks=[task],
            target=world.target,
            demand_rps=demand_rps,
            deadline_ms=world.deadline_ms,
        )
        return ipa_planner.solve(within(problem, world.share_cores)).deployments

    return planned(world, Ways(interval_s, reserves=True), solved, forecaster, without_plan)


def sponge(
    world: World,
    *,
    interval_s: int = 1,
    forecaster: Forecaster = USUAL_FORECAST,
    without_plan: Without = "keep",
) -> Planned:
    """The most accurate variant, whose cores and batch change in place within the task's part of the box."""

    def solved(task: str, demand_rps: float, _present: Deployments) -> Deployments:
        problem = sponge_planner.from_repository(
            world.repository, task=task, target=world.target, demand_rps=demand_rps, slo_ms=world.deadline_ms
        )
        there = {cores: times for cores, times in problem.latency_ms.items() if cores <= world.share_cores}
        if not there:
            raise BadInputError(f"Sponge gives out whole cores, and {world.share_cores:g} are there for each task")
        return sponge_planner.solve(problem.model_copy(update={"latency_ms": there})).deployments

    return planned(world, Ways(interval_s, reserves=True, in_place=True), solved, forecaster, without_plan)


def paragon(
    world: World,
    *,
    interval_s: int = USUAL_INTERVAL_S,
    forecaster: Forecaster = USUAL_FORECAST,
    without_plan: Without = "keep",
) -> Planned:
    """Machines for the forecast load, with the cheapest model that is in time."""

    def solved(task: str, demand_rps: float, _present: Deployments) -> Deployments:
        asked = paragon_planner.QueryClass(
            name=task, task=task, rates_rps=[demand_rps], min_accuracy=0, max_latency_ms=world.deadline_ms
        )
        problem = paragon_planner.from_repository(world.repository, target=world.target, classes=[asked])
        return paragon_planner.solve(problem).deployments

    return planned(world, Ways(interval_s, start_up_s=start_up_s(world)), solved, forecaster, without_plan)
