"""The published planners as policies on a scene, and how often each is asked.

InfAdapter decides every 30 s, as its authors have it; Sponge, which changes a running server, every second; the others
every 10 s, which is ours. A planner that reserves cores, or counts on some, gets an even part of the box for each task;
what takes more is no option. Paragon plans with machines alone: the functions that take what overflows are not
simulated.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from orchestrators.deployment import Deployment
from orchestrators.planners import trivial
from orchestrators.planners.infaas.from_repository import measured
from orchestrators.simulation.baselines import smallest
from orchestrators.simulation.ipa_within import within
from orchestrators.simulation.planned import Plan, Planned
from orchestrators.simulation.policy import Policy, Ways
from orchestrators.simulation.scene import Scene
from orchestrators.simulation.trivial_policy import Trivial
from profiler.common.errors import BadInputError

USUAL_INTERVAL_S = 10
# What a planner is told besides task, target and demand, for the deployments that there are.
Told = Callable[[Scene, str, Sequence[Deployment]], dict[str, Any]]


def planned(scene: Scene, name: str, ways: Ways, plan: Callable[[str], Plan], reserves: bool = True) -> Planned:
    """Begins with the quickest variant where there is no plan to begin with; within the task's part if it reserves."""
    quickest = smallest(scene.catalogue, scene.own_cores)
    most = {task: scene.reserved_cores(task, quickest[task]) if reserves else scene.own_cores for task in scene.tasks}
    fallback = {
        task: Deployment(task=task, variant=quickest[task], cores=most[task], rate_rps=0) for task in scene.tasks
    }
    plans = {task: plan(task) for task in scene.tasks}
    return Planned(name, plans, ways, scene.forecasters(ways.interval_s), scene.first_rps, fallback)


def by_demand(name: str, ways: Ways, told: Told, reserves: bool = True) -> Callable[[Scene], Policy]:
    """A planner of one task whose `from_repository` takes a demand."""

    def policy(scene: Scene) -> Policy:
        module = importlib.import_module(f"orchestrators.planners.{name}")

        def plan(task: str) -> Plan:
            def solved(demand_rps: float, present: Sequence[Deployment]) -> Sequence[Deployment]:
                known = {"target": scene.target, "demand_rps": demand_rps}
                problem = module.from_repository(scene.repository, **known, **told(scene, task, present))
                found: Sequence[Deployment] = module.solve(problem).deployments
                return found

            return solved

        return planned(scene, name, ways, plan, reserves)

    return policy


def for_model_switching(scene: Scene, task: str, _present: Sequence[Deployment]) -> dict[str, Any]:
    return {"task": task, "deadline_ms": scene.deadline_ms, "share": min(1.0, scene.share_cores / scene.own_cores)}


def for_infaas(scene: Scene, task: str, present: Sequence[Deployment]) -> dict[str, Any]:
    """Running instances go by the keys of INFaaS's variants; of the one to begin with there may be none."""
    ways = {(one.name, *way) for one in scene.families[task] for way in measured(one)}
    running = {
        f"{one.variant}@{scene.target}/cores={one.cores:g}/batch={one.batch}": one.replicas
        for one in present
        if (one.variant, one.batch, one.cores) in ways
    }
    return {"task": task, "deadline_ms": scene.deadline_ms, "max_cores": scene.share_cores, "running": running}


def for_inf_adapter(scene: Scene, task: str, present: Sequence[Deployment]) -> dict[str, Any]:
    if scene.share_cores < 1:
        raise BadInputError(f"InfAdapter gives out whole cores, and {scene.share_cores:g} are there for each task")
    previous = {one.variant: int(one.cores) for one in present}
    return {
        "task": task,
        "deadline_ms": scene.deadline_ms,
        "max_cores": int(scene.share_cores),
        "previous": previous,
    }


def ipa(scene: Scene) -> Policy:
    """Each task is a pipeline of one stage, on its part of the box."""
    from orchestrators.planners.ipa import from_repository, solve

    def plan(task: str) -> Plan:
        def solved(demand_rps: float, _present: Sequence[Deployment]) -> Sequence[Deployment]:
            problem = from_repository(
                scene.repository,
                tasks=[task],
                target=scene.target,
                demand_rps=demand_rps,
                deadline_ms=scene.deadline_ms,
            )
            return solve(within(problem, scene.share_cores)).deployments

        return solved

    return planned(scene, "ipa", Ways(USUAL_INTERVAL_S), plan)


def sponge(scene: Scene) -> Policy:
    """The most accurate variant, whose cores and batch change in place within the task's part of the box."""
    from orchestrators.planners.sponge import from_repository, solve

    def plan(task: str) -> Plan:
        def solved(demand_rps: float, _present: Sequence[Deployment]) -> Sequence[Deployment]:
            problem = from_repository(
                scene.repository, task=task, target=scene.target, demand_rps=demand_rps, slo_ms=scene.deadline_ms
            )
            within = {cores: times for cores, times in problem.latency_ms.items() if cores <= scene.share_cores}
            if not within:
                raise BadInputError(f"Sponge gives out whole cores, and {scene.share_cores:g} are there for each task")
            return solve(problem.model_copy(update={"latency_ms": within})).deployments

        return solved

    return planned(scene, "sponge", Ways(interval_s=1, in_place=True), plan)


def paragon(scene: Scene) -> Policy:
    """Machines for the load that is foreseen, of the cheapest model in time."""
    from orchestrators.planners.paragon import QueryClass, from_repository, solve

    def plan(task: str) -> Plan:
        def solved(demand_rps: float, _present: Sequence[Deployment]) -> Sequence[Deployment]:
            asked = QueryClass(
                name=task, task=task, rates_rps=[demand_rps], min_accuracy=0, max_latency_ms=scene.deadline_ms
            )
            return solve(from_repository(scene.repository, target=scene.target, classes=[asked])).deployments

        return solved

    return planned(scene, "paragon", Ways(USUAL_INTERVAL_S, start_up_s=start_up_s(scene)), plan, reserves=False)


def start_up_s(scene: Scene) -> float:
    """What the user says that a machine takes; raises `BadInputError` where nothing is stated."""
    price = next(iter(scene.families.values()))[0].profile.target.price
    if price is None or price.start_up_s is None:
        raise BadInputError(
            f"the target {scene.target} states no start_up_s: state price: {{currency: …, as_of: …, start_up_s: …}} in "
            f"conf/target/{scene.target}.yaml, then stage=profile,publish"
        )
    return price.start_up_s


def trivial_policy(scene: Scene) -> Policy:
    problem = trivial.from_repository(
        scene.repository, task=scene.tasks, target=scene.target, demand_rps=scene.first_rps
    )
    return Trivial(problem, scene.box.cores)


PLANNERS: dict[str, Callable[[Scene], Policy]] = {
    "trivial": trivial_policy,
    "model_switching": by_demand("model_switching", Ways(USUAL_INTERVAL_S), for_model_switching, reserves=False),
    "infaas": by_demand("infaas", Ways(USUAL_INTERVAL_S), for_infaas),
    "inf_adapter": by_demand("inf_adapter", Ways(interval_s=30), for_inf_adapter),
    "ipa": ipa,
    "sponge": sponge,
    "paragon": paragon,
}
