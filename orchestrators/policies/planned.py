"""A policy from any planner: forecast -> problem with that demand -> plan -> deployments."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, get_args

from orchestrators.deployment import Deployment
from orchestrators.errors import Infeasible
from orchestrators.forecast import Forecaster, WindowedMaximum
from orchestrators.policies.fixed import cheapest, fronts
from orchestrators.policies.policy import Decision, Seen, Ways
from orchestrators.policies.world import World
from profiler.common.errors import BadInputError

USUAL_FORECAST = WindowedMaximum()
# Makes a task's deployments from a demand in requests/s and its present deployments; raises `Infeasible`.
Plan = Callable[[float, Sequence[Deployment]], Sequence[Deployment]]
# The deployments of a task without a plan: the present ones, or the version of the highest throughput.
Without = Literal["keep", "quickest"]


class Planned:
    """A policy with a planner for each task, in `plans`, for the forecast demand until the next decision.

    A task without a plan counts as infeasible and keeps its last deployments, or gets its `fallback` where
    `without_plan` is `quickest`. `first_rps` is the demand of the first decision; a task without a plan for it begins
    with its `fallback`.
    """

    def __init__(
        self,
        plans: Mapping[str, Plan],
        ways: Ways,
        forecaster: Forecaster,
        first_rps: Mapping[str, float],
        fallback: Mapping[str, Deployment],
        without_plan: Without = "keep",
    ) -> None:
        self.ways = ways
        self._plans, self._forecaster, self._without_plan = plans, forecaster, without_plan
        self._first_rps, self._fallback = first_rps, fallback

    def decide(self, now_s: int, seen: Seen, /) -> Decision:
        """The plan of every task for its forecast demand."""
        deployments: list[Deployment] = []
        reasons, notices = [], []
        for task, plan in self._plans.items():
            present = [one for one in seen.deployments if one.task == task]
            demand_rps = self._demand_rps(task, now_s, seen)
            try:
                found = plan(demand_rps, present)
                reasons.append(f"planned for {demand_rps:.4g} requests/s of {task}")
            except Infeasible as error:
                notices.append(str(error))
                found = [self._fallback[task]] if self._without_plan == "quickest" else []
            # A plan may have no deployments, for instance without any demand.
            deployments += found or ([] if present else [self._fallback[task]])
        reason = "; ".join(reasons) or "there is no plan"
        return Decision(deployments, reason, notice="; ".join(notices) or None, infeasible=len(notices))

    def _demand_rps(self, task: str, now_s: int, seen: Seen) -> float:
        if now_s == 0:
            return self._first_rps[task]
        demand_rps = seen.demand_rps[task]
        return self._forecaster.forecast(demand_rps, self.ways.interval_s) if len(demand_rps) else 0.0


def planned(
    world: World,
    ways: Ways,
    plan: Callable[[str, float, Sequence[Deployment]], Sequence[Deployment]],
    forecaster: Forecaster,
    without_plan: Without = "keep",
) -> Planned:
    """The policy of a planner, whose fallback is the version of the highest throughput.

    A policy that reserves cores runs it on the task's part of the box. The first argument of `plan` is the task.
    """
    if without_plan not in get_args(Without):
        raise BadInputError(f"without_plan={without_plan!r}: choices are {', '.join(get_args(Without))}")
    quickest = cheapest(fronts(world))
    fallback = {
        task: Deployment(
            task=task,
            variant=name,
            cores=world.reserved_cores(task, name) if ways.reserves else world.server_cores,
            rate_rps=0,
        )
        for task, name in quickest.items()
    }
    return Planned(
        {task: partial(plan, task) for task in world.tasks}, ways, forecaster, world.first_rps, fallback, without_plan
    )
