"""The trivial policy: it chooses versions from CPU use and demand by the thesis's rules (`rules`)."""

from collections.abc import Mapping

import numpy as np

from orchestrators.deployment import Deployment, Infeasible
from orchestrators.planners.trivial import Problem, chain, solve
from orchestrators.planners.trivial.from_repository import problem_of
from orchestrators.planners.trivial.problem import Metric
from orchestrators.policies.environment import Environment
from orchestrators.policies.policy import Decision, Mechanism, Observation
from orchestrators.policies.rules import THESIS, Settings, State, step
from profiler.common.errors import BadInputError

# Arrivals are random: at 10 requests/s one second in three differs by a third from the mean, and a policy that uses
# single seconds follows the noise. The mean of five seconds halves it, and still shows a rise in time.
SMOOTHED_S = 5


def trivial(
    environment: Environment,
    *,
    metric: Metric = "inverse_throughput",
    cpu_limit: float = 0.65,
    max_metric: Mapping[str, float] | None = None,
    batch: int | None = None,
    literal: bool = False,
    thresholds: Settings = THESIS,
    smoothed_s: int = SMOOTHED_S,
) -> "Trivial":
    """The policy on an environment, with the settings of the planner's `from_repository`.

    `batch` defaults to the smallest batch that was measured for every version.
    """
    problem = problem_of(
        environment.families,
        demand_rps=environment.first_rps,
        metric=metric,
        cpu_limit=cpu_limit,
        max_metric=max_metric,
        batch=batch or environment.batch,
        literal=literal,
    )
    return Trivial(problem, environment.cores, thresholds, smoothed_s)


class Trivial:
    """A policy that begins with the plan of `solve`, and then follows the mean demand of `smoothed_s`.

    On fewer `cores` than the problem's every version is slower. On more cores the CPU use counts as a share of the
    problem's cores; tasks then have more room than the policy assumes. `thresholds` are the settings of the rules.
    """

    mechanism = Mechanism(interval_s=1)

    def __init__(
        self, problem: Problem, cores: float, thresholds: Settings = THESIS, smoothed_s: int = SMOOTHED_S
    ) -> None:
        if smoothed_s < 1:
            raise BadInputError(f"smoothed_s={smoothed_s}: give 1 s or more")
        self._problem, self._cores = problem.on_cores(cores), min(cores, problem.cores)
        self._servers = cores / self._cores
        self._thresholds, self._smoothed_s = thresholds, smoothed_s
        self._state: State | None = None

    def decide(self, _now_s: int, observation: Observation, /) -> Decision:
        """The move of the rules; none during a switch. A failed switch leaves the versions that answer as state."""
        present = {one.task: one.variant for one in observation.deployments}
        if not present:
            return self._first()
        if observation.changing:
            return Decision(rule="wait", reason="a switch is under way")
        if self._state is None or self._state.versions != present:
            self._state = State(versions=present)
        demand_rps = {task: self._smoothed(demand) for task, demand in observation.demand_rps.items()}
        used_share = min(1.0, float(observation.cpu_share[-1]) * self._servers)
        self._state, move = step(self._problem, self._state, used_share, demand_rps, self._thresholds)
        wanted = None if move.versions is None else self._deployments(move.versions, demand_rps)
        return Decision(wanted, move.reason, move.rule, move.notice)

    def _first(self) -> Decision:
        """The plan for the first demand, or the last allocation of the chain where none carries it."""
        try:
            versions, notice, infeasible = solve(self._problem).versions, None, 0
        except Infeasible as error:
            versions, notice, infeasible = chain(self._problem)[-1].versions, str(error), 1
        self._state = State(versions=versions)
        first_rps = {one.name: one.demand_rps for one in self._problem.tasks}
        deployments = self._deployments(versions, first_rps)
        return Decision(deployments, "for the demand to begin with", notice=notice, infeasible=infeasible)

    def _smoothed(self, demand_rps: np.ndarray) -> float:
        return float(demand_rps[-self._smoothed_s :].mean()) if len(demand_rps) else 0.0

    def _deployments(self, versions: Mapping[str, str], demand_rps: Mapping[str, float]) -> list[Deployment]:
        """The deployments of these versions, each with all cores of a server."""
        return [
            Deployment(task=task, variant=name, cores=self._cores, rate_rps=demand_rps[task])
            for task, name in versions.items()
        ]
