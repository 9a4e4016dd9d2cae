"""The trivial policy: CPU use and demand in, versions out, by the thesis's rules (`rules`)."""

from collections.abc import Mapping

import numpy as np

from orchestrators.deployment import Deployment
from orchestrators.errors import Infeasible
from orchestrators.planners.trivial import Problem, chain, solve
from orchestrators.planners.trivial.from_repository import problem_of
from orchestrators.planners.trivial.problem import Metric
from orchestrators.policies.policy import Decision, Seen, Ways
from orchestrators.policies.rules import THESIS, Settings, State, step
from orchestrators.policies.world import World
from profiler.common.errors import BadInputError

# Arrivals are random: at 10 requests/s one second in three is a third off, and a policy that is shown single seconds
# moves to what is better for that second alone. Over five seconds that is halved, and a rise is still seen in time.
SMOOTHED_S = 5


def trivial(
    world: World,
    *,
    metric: Metric = "inverse_throughput",
    cpu_limit: float = 0.65,
    max_metric: Mapping[str, float] | None = None,
    batch: int | None = None,
    literal: bool = False,
    thresholds: Settings = THESIS,
    smoothed_s: int = SMOOTHED_S,
) -> "Trivial":
    """The policy on a world, as `from_repository` of the planner reads it.

    Without `batch` the smallest that was measured of every version counts.
    """
    problem = problem_of(
        world.families,
        demand_rps=world.first_rps,
        metric=metric,
        cpu_limit=cpu_limit,
        max_metric=max_metric,
        batch=batch or world.batch,
        literal=literal,
    )
    return Trivial(problem, world.cores, thresholds, smoothed_s)


class Trivial:
    """Begins with what `solve` finds for the problem's demand, and goes by the mean demand of `smoothed_s`.

    On `cores` fewer than the problem's every version takes longer. On more it sees their use as a share of the
    problem's; tasks then have room beside each other that it does not count on. `thresholds` say when it moves.
    """

    ways = Ways(interval_s=1)

    def __init__(
        self, problem: Problem, cores: float, thresholds: Settings = THESIS, smoothed_s: int = SMOOTHED_S
    ) -> None:
        if smoothed_s < 1:
            raise BadInputError(f"smoothed_s={smoothed_s}: give 1 s or more")
        self._problem, self._cores = problem.on_cores(cores), min(cores, problem.cores)
        self._servers = cores / self._cores
        self._thresholds, self._smoothed_s = thresholds, smoothed_s
        self._state: State | None = None

    def decide(self, _now_s: int, seen: Seen, /) -> Decision:
        """While a switch is under way nothing is counted; a switch that failed leaves what answers as its state."""
        present = {one.task: one.variant for one in seen.deployments}
        if not present:
            return self._first()
        if seen.changing:
            return Decision(rule="wait", reason="a switch is under way")
        if self._state is None or self._state.versions != present:
            self._state = State(versions=present)
        demand_rps = {task: self._smoothed(demand) for task, demand in seen.demand_rps.items()}
        used_share = min(1.0, float(seen.cpu_share[-1]) * self._servers)
        self._state, move = step(self._problem, self._state, used_share, demand_rps, self._thresholds)
        wanted = None if move.versions is None else self._deployments(move.versions, demand_rps)
        return Decision(wanted, move.reason, move.rule, move.notice)

    def _first(self) -> Decision:
        """The last of the chain where nothing carries the first demand."""
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
        """Each may use all of a server's cores."""
        return [
            Deployment(task=task, variant=name, cores=self._cores, rate_rps=demand_rps[task])
            for task, name in versions.items()
        ]
