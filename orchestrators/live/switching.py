"""Model-Switching on a live server: each task is answered by its version of the highest effective accuracy.

As in the simulator it is asked every 10 s, and the load is the highest that is forecast up to then. A task counts on an
even share of the server's cores, at most on as many as its versions were measured on. Where no version is known to be
in time the quickest answers.

A server does not tell of requests that wait: a version that is too slow shows as much load as it carries, and that this
is too much for it shows by the margin of the forecast.
"""

from collections.abc import Mapping

import numpy as np

from orchestrators.errors import Infeasible
from orchestrators.forecast import Forecaster, WindowedMaximum
from orchestrators.live.choice import smallest
from orchestrators.live.policy import Offer
from orchestrators.planners.model_switching import from_repository, solve
from orchestrators.planners.trivial import Decision, State
from orchestrators.simulation.planners import USUAL_INTERVAL_S
from profiler.common.errors import BadInputError

USUAL_FORECAST = WindowedMaximum()


class ModelSwitching:
    """Of one server, as it repeats its last notice until it decides anew."""

    def __init__(
        self,
        target: str,
        deadline_ms: float,
        forecaster: Forecaster = USUAL_FORECAST,
        interval_s: int = USUAL_INTERVAL_S,
    ) -> None:
        self._target, self._deadline_ms = target, deadline_ms
        self._forecaster, self._interval_s = forecaster, interval_s
        self._notice: str | None = None

    def first(self, offer: Offer, /) -> Mapping[str, str]:
        """Raises `BadInputError` where a version has no sweep over loads, or none that tells of the deadline."""
        return self._plan(offer, {task.name: task.demand_rps for task in offer.problem.tasks})[0]

    def step(
        self, offer: Offer, state: State, cpu_share: float, demand_rps: Mapping[str, np.ndarray], /
    ) -> tuple[State, Decision]:
        """What answers stays where the profiles do not tell of the deadline on the cores that the server has now."""
        seen = state.after(cpu_share, 1)
        if seen.since_update_s % self._interval_s:
            return seen, Decision(rule="wait", reason=f"asked every {self._interval_s} s", notice=self._notice)
        try:
            wanted, why, self._notice = self._plan(offer, self._foreseen(demand_rps))
        except BadInputError as error:
            wanted, why, self._notice = state.versions, "no plan", str(error)
        if wanted == state.versions:
            return seen, Decision(rule="hold", reason=why, notice=self._notice)
        return State(versions=wanted), Decision(rule="better", reason=why, versions=wanted, notice=self._notice)

    def _foreseen(self, demand_rps: Mapping[str, np.ndarray]) -> dict[str, float]:
        return {
            task: self._forecaster.forecast(seen, self._interval_s) if len(seen) else 0.0
            for task, seen in demand_rps.items()
        }

    def _plan(self, offer: Offer, demand_rps: Mapping[str, float]) -> tuple[dict[str, str], str, str | None]:
        """The versions, why, and a notice of the tasks of which none is known to be in time."""
        versions, reasons, notices = dict(smallest(offer.problem)), [], []
        share = min(1.0, offer.cores / offer.problem.cores / len(demand_rps))
        for task, rate_rps in demand_rps.items():
            problem = from_repository(
                offer.repository,
                task=task,
                target=self._target,
                demand_rps=rate_rps,
                deadline_ms=self._deadline_ms,
                share=share,
            )
            try:
                plan = solve(problem)
            except Infeasible as error:
                notices.append(str(error))
                continue
            versions[task] = plan.variant
            reasons.append(f"{plan.in_time_share:.1%} of {rate_rps:.4g} requests/s of {task} in time")
        return versions, "; ".join(reasons) or "none is known to be in time", "; ".join(notices) or None
