"""A policy from any planner: forecast -> problem with that demand -> plan -> deployments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from orchestrators.deployment import Deployment, Infeasible
from orchestrators.forecast import Forecaster, WindowedMaximum
from orchestrators.policies.environment import Environment
from orchestrators.policies.fixed import CHEAPEST, versions_at
from orchestrators.policies.policy import Decision, Mechanism, Observation
from profiler.common.errors import BadInputError

USUAL_FORECAST = WindowedMaximum()
# Makes a task's deployments from a demand in requests/s and its present deployments; raises `Infeasible`.
Plan = Callable[[float, Sequence[Deployment]], Sequence[Deployment]]
# The deployments of a task without a plan: the present ones, or the version of the highest throughput.
WithoutPlan = Literal["keep", "quickest"]


@dataclass(frozen=True)
class Planned:
    """A policy with a planner for each task, in `plans`, for the forecast demand until the next decision.

    A task without a plan counts as infeasible and keeps its last deployments, or gets its `fallback` where
    `without_plan` is `quickest`. `first_rps` is the demand of the first decision; a task without a plan for it begins
    with its `fallback`.
    """

    plans: Mapping[str, Plan]
    mechanism: Mechanism
    forecaster: Forecaster
    first_rps: Mapping[str, float]
    fallback: Mapping[str, Deployment]
    without_plan: WithoutPlan = "keep"

    def decide(self, now_s: int, observation: Observation, /) -> Decision:
        """The plan of every task for its forecast demand."""
        deployments: list[Deployment] = []
        reasons, notices = [], []
        for task, plan in self.plans.items():
            present = [one for one in observation.deployments if one.task == task]
            demand_rps = self._demand_rps(task, now_s, observation)
            try:
                found = plan(demand_rps, present)
                reasons.append(f"planned for {demand_rps:.4g} requests/s of {task}")
            except Infeasible as error:
                notices.append(str(error))
                found = [self.fallback[task]] if self.without_plan == "quickest" else []
            # A plan may have no deployments, for instance without any demand.
            deployments += found or ([] if present else [self.fallback[task]])
        reason = "; ".join(reasons) or "there is no plan"
        return Decision(deployments, reason, notice="; ".join(notices) or None, infeasible=len(notices))

    def _demand_rps(self, task: str, now_s: int, observation: Observation) -> float:
        if now_s == 0:
            return self.first_rps[task]
        demand_rps = observation.demand_rps[task]
        return self.forecaster.forecast(demand_rps, self.mechanism.interval_s) if len(demand_rps) else 0.0


def planned(
    environment: Environment,
    mechanism: Mechanism,
    plan: Callable[[str, float, Sequence[Deployment]], Sequence[Deployment]],
    forecaster: Forecaster,
    without_plan: WithoutPlan = "keep",
) -> Planned:
    """The policy of a planner, whose fallback is the version of the highest throughput.

    A policy that reserves cores runs the fallback on the task's part of the box. The first argument of `plan` is the
    task.
    """
    if without_plan not in get_args(WithoutPlan):
        raise BadInputError(f"without_plan={without_plan!r}: choices are {', '.join(get_args(WithoutPlan))}")
    fallback = {}
    for task, name in versions_at(CHEAPEST, environment).items():
        cores = environment.reserved_cores(task, name) if mechanism.reserves else environment.server_cores
        fallback[task] = Deployment(task=task, variant=name, cores=cores, rate_rps=0)
    plans = {task: partial(plan, task) for task in environment.tasks}
    return Planned(plans, mechanism, forecaster, environment.first_rps, fallback, without_plan)
