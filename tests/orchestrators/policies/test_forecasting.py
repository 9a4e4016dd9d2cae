"""Planners plan for what the chosen forecaster says."""

from collections.abc import Callable

import numpy as np
import pytest
from made_tasks import TARGET

from orchestrators.deployment import Deployment
from orchestrators.forecast import Forecaster, LastValue, WindowedMaximum, fit
from orchestrators.policies import Environment, Observation, Policy
from orchestrators.policies.planners import inf_adapter, infaas, ipa, model_switching, sponge
from porting.repository import Repository

TASK, NOW_S = "digits", 60
# Steady but for a peak half a minute ago.
DEMAND_RPS = np.random.default_rng(0).poisson(20, NOW_S).astype(float)
DEMAND_RPS[30] = 90
HISTORY_RPS = np.random.default_rng(1).poisson(20, 400).astype(float)
PLANNERS: dict[str, tuple[Callable[..., Policy], int]] = {
    "model_switching": (model_switching, 10),
    "infaas": (infaas, 10),
    "inf_adapter": (inf_adapter, 30),
    "ipa": (ipa, 10),
    "sponge": (sponge, 1),
}
FORECASTERS: dict[str, Callable[[int], Forecaster]] = {
    "last": lambda _: LastValue(),
    "maximum": lambda _: WindowedMaximum(),
    "learned": lambda horizon_s: fit(HISTORY_RPS, horizon_s),
}


def decided(known: Repository, planner: str, forecaster: str) -> tuple[Forecaster, int, list[Deployment]]:
    """The forecaster, how far ahead it was asked, and the decision after a minute."""
    environment = Environment.of(known, TARGET, {TASK: 20.0}, 400, 8)
    make, interval_s = PLANNERS[planner]
    chosen = FORECASTERS[forecaster](interval_s)
    policy = make(environment, forecaster=chosen)
    first = policy.decide(0, Observation.empty([TASK])).deployments or []
    used = np.ones(NOW_S)
    found = policy.decide(NOW_S, Observation({TASK: DEMAND_RPS}, {TASK: used}, used, first, changing=False)).deployments
    assert policy.mechanism.interval_s == interval_s
    return chosen, interval_s, list(found or [])


@pytest.mark.parametrize("forecaster", FORECASTERS)
@pytest.mark.parametrize("planner", PLANNERS)
def test_a_planner_carries_what_is_forecast(tasks: Repository, planner: str, forecaster: str) -> None:
    chosen, ahead_s, plan = decided(tasks, planner, forecaster)
    assert sum(one.rate_rps for one in plan) == pytest.approx(chosen.forecast(DEMAND_RPS, ahead_s))


def test_another_forecast_is_another_plan(tasks: Repository) -> None:
    plans = {name: decided(tasks, "inf_adapter", name)[2] for name in FORECASTERS}
    cores = {name: sum(one.cores for one in plan) for name, plan in plans.items()}
    assert cores["last"] < cores["learned"] < cores["maximum"]
