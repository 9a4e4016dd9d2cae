"""The trivial policy on a live server, and the fixed versions that a policy that decides is compared with."""

from collections.abc import Callable, Mapping

import numpy as np

from orchestrators.errors import Infeasible
from orchestrators.live.policy import Offer
from orchestrators.planners import trivial
from orchestrators.planners.trivial.settings import SMOOTHED_S, THESIS


class Trivial:
    """Begins with what it plans for the problem's demand, the cheapest where nothing carries that."""

    def __init__(self, settings: trivial.Settings = THESIS) -> None:
        self._settings = settings

    def first(self, offer: Offer, /) -> Mapping[str, str]:
        try:
            return trivial.solve(offer.problem).versions
        except Infeasible:
            return trivial.chain(offer.problem)[-1].versions

    def step(
        self, offer: Offer, state: trivial.State, cpu_share: float, demand_rps: Mapping[str, np.ndarray], /
    ) -> tuple[trivial.State, trivial.Decision]:
        smoothed = {task: float(seen[-SMOOTHED_S:].mean()) if len(seen) else 0.0 for task, seen in demand_rps.items()}
        return trivial.step(offer.problem, state, cpu_share, smoothed, self._settings)


class Fixed:
    """Always the same versions."""

    def __init__(self, chosen: Callable[[trivial.Problem], Mapping[str, str]]) -> None:
        self._chosen = chosen

    def first(self, offer: Offer, /) -> Mapping[str, str]:
        return self._chosen(offer.problem)

    def step(
        self, offer: Offer, state: trivial.State, cpu_share: float, _demand_rps: Mapping[str, np.ndarray], /
    ) -> tuple[trivial.State, trivial.Decision]:
        wanted, seen = dict(self.first(offer)), state.after(cpu_share, THESIS.window_s)
        # After a load that failed, as after any other update, nothing is done for a while.
        if wanted == state.versions or state.since_update_s < THESIS.hold_s:
            return seen, trivial.Decision(rule="hold", reason="the versions are fixed")
        return trivial.State(versions=wanted), trivial.Decision(rule="better", reason="fixed", versions=wanted)


def largest(problem: trivial.Problem) -> Mapping[str, str]:
    return trivial.chain(problem)[0].versions


def smallest(problem: trivial.Problem) -> Mapping[str, str]:
    # A task without demand would keep its largest.
    return trivial.chain(problem.with_demand({task.name: 1.0 for task in problem.tasks}))[-1].versions
