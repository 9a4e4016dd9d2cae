"""The trivial policy second by second, as it runs live: CPU use and demand in, versions out."""

from collections.abc import Mapping

from orchestrators.deployment import Deployment
from orchestrators.errors import Infeasible
from orchestrators.planners import trivial
from orchestrators.planners.trivial.settings import SMOOTHED_S
from orchestrators.simulation.policy import Seen, Ways


class Trivial:
    """`problem` holds the first demand of every task; it begins with what `trivial.solve` finds for that.

    On a box of more cores than the problem's it sees their use as a share of the problem's; tasks then have room beside
    each other that it does not count on. While a switch is under way it is not asked.
    """

    name, ways = "trivial", Ways(interval_s=1)

    def __init__(self, problem: trivial.Problem, box_cores: float) -> None:
        self.infeasible = 0
        self._problem, self._boxes = problem, box_cores / problem.cores
        self._state: trivial.State | None = None

    def decide(self, _now_s: int, seen: Seen, /) -> list[Deployment] | None:
        if self._state is None:
            self._state = trivial.State(versions=self._first())
            return self._deployments(self._state.versions, {one.name: one.demand_rps for one in self._problem.tasks})
        if seen.changing:
            return None
        demand_rps = {task: float(demand[-SMOOTHED_S:].mean()) for task, demand in seen.demand_rps.items()}
        used_share = min(1.0, float(seen.cpu_share[-1]) * self._boxes)
        self._state, decision = trivial.step(self._problem, self._state, used_share, demand_rps)
        return None if decision.versions is None else self._deployments(decision.versions, demand_rps)

    def _first(self) -> dict[str, str]:
        """The last of the chain where nothing carries the first demand."""
        try:
            return trivial.solve(self._problem).versions
        except Infeasible:
            self.infeasible += 1
            return trivial.chain(self._problem)[-1].versions

    def _deployments(self, versions: Mapping[str, str], demand_rps: Mapping[str, float]) -> list[Deployment]:
        """Each may use all of the cores."""
        return [
            Deployment(task=task, variant=name, cores=self._problem.cores, rate_rps=demand_rps[task])
            for task, name in versions.items()
        ]
