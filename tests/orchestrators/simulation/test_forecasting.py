"""Planners plan for what the chosen forecaster says."""

import numpy as np
import pytest
from made_tasks import TARGET

from orchestrators.deployment import Deployment
from orchestrators.forecast import Forecaster, LastValue, WindowedMaximum, fit
from orchestrators.simulation import Seen
from orchestrators.simulation.planners import PLANNERS
from orchestrators.simulation.scene import Scene
from porting.repository import Repository

TASK, NOW_S = "digits", 60
# Steady but for a peak half a minute ago.
DEMAND_RPS = np.random.default_rng(0).poisson(20, NOW_S).astype(float)
DEMAND_RPS[30] = 90
HISTORY_RPS = np.random.default_rng(1).poisson(20, 400).astype(float)
FORECASTERS = {
    "last": lambda _: LastValue(),
    "maximum": lambda _: WindowedMaximum(),
    "learned": lambda horizon_s: fit(HISTORY_RPS, horizon_s),
}


def decided(known: Repository, planner: str, forecaster: str) -> tuple[Forecaster, int, list[Deployment]]:
    """The forecaster, how far ahead it was asked, and the decision after a minute."""
    scene = Scene.of(known, TARGET, {TASK: 20.0}, 400, FORECASTERS[forecaster], 8)
    policy = PLANNERS[planner](scene)
    first = policy.decide(0, Seen({TASK: np.empty(0)}, {TASK: np.empty(0)}, np.empty(0), [], False, {TASK: 0}))
    used = np.ones(NOW_S)
    found = policy.decide(NOW_S, Seen({TASK: DEMAND_RPS}, {TASK: used}, used, first or [], False, {TASK: 0}))
    return scene.forecasters(policy.ways.interval_s), policy.ways.interval_s, list(found or [])


@pytest.mark.parametrize("forecaster", FORECASTERS)
@pytest.mark.parametrize("planner", ["model_switching", "infaas", "inf_adapter", "ipa", "sponge"])
def test_a_planner_carries_what_is_forecast(tasks: Repository, planner: str, forecaster: str) -> None:
    chosen, ahead_s, plan = decided(tasks, planner, forecaster)
    assert sum(one.rate_rps for one in plan) == pytest.approx(chosen.forecast(DEMAND_RPS, ahead_s))


def test_another_forecast_is_another_plan(tasks: Repository) -> None:
    plans = {name: decided(tasks, "inf_adapter", name)[2] for name in FORECASTERS}
    cores = {name: sum(one.cores for one in plan) for name, plan in plans.items()}
    assert cores["last"] < cores["learned"] < cores["maximum"]
