"""Any planner as a policy: forecast -> problem with that demand -> plan -> deployments."""

from collections.abc import Callable, Mapping, Sequence

from orchestrators.deployment import Deployment
from orchestrators.errors import Infeasible
from orchestrators.forecast import Forecaster
from orchestrators.simulation.policy import Seen, Ways

# A task's deployments for a demand in requests/s, beside those that it has now; raises `Infeasible`.
Plan = Callable[[float, Sequence[Deployment]], Sequence[Deployment]]


class Planned:
    """`plans` has a planner for each task, which is told the demand that is forecast up to the next decision.

    Where it says that there is no plan, the last one stays, and this is counted. `first_rps` is the demand to begin
    with, `fallback` what each task begins with where there is no plan for that.
    """

    def __init__(
        self,
        name: str,
        plans: Mapping[str, Plan],
        ways: Ways,
        forecaster: Forecaster,
        first_rps: Mapping[str, float],
        fallback: Mapping[str, Deployment],
    ) -> None:
        self.name, self.ways, self.infeasible = name, ways, 0
        self._plans, self._forecaster = plans, forecaster
        self._first_rps, self._fallback = first_rps, fallback

    def decide(self, now_s: int, seen: Seen, /) -> list[Deployment]:
        return [one for task in self._plans for one in self._task(task, now_s, seen)]

    def _task(self, task: str, now_s: int, seen: Seen) -> Sequence[Deployment]:
        """Nothing where the present deployments stay."""
        present = [one for one in seen.deployments if one.task == task]
        demand = seen.demand_rps[task]
        demand_rps = self._forecaster.forecast(demand, self.ways.interval_s) if now_s else self._first_rps[task]
        try:
            plan = self._plans[task](demand_rps, present)
        except Infeasible:
            self.infeasible += 1
            plan = []
        return plan or ([] if present else [self._fallback[task]])
