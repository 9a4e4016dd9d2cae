"""What deployments on one box take from each other."""

import pytest
from made_variants import Made, Told, deployment, even

from orchestrators.deployment import Deployment
from orchestrators.simulation import Box, Result, Settings, simulate

A, B = "digits", "bees"


def run(
    rates_rps: dict[str, float], cores: float, variant: Made, plans: dict[int, list[Deployment]] | None = None
) -> Result:
    schedules = {task: even(rate_rps, 60) for task, rate_rps in rates_rps.items()}
    policy = Told(plans or {0: [deployment("one", task) for task in rates_rps]})
    catalogue = {(task, name): variant for task in rates_rps for name in ("one", "other")}
    return simulate(catalogue, schedules, policy, Box(cores=cores), Settings(seconds=60, deadline_ms=100))


def test_tasks_on_cores_of_their_own_do_not_slow_each_other() -> None:
    found = run({A: 10, B: 40}, cores=2, variant=Made(fixed_s=0.01))
    assert found.tasks[A].p99_ms == pytest.approx(10)


def test_on_the_same_core_a_batch_is_slowed_by_the_measured_factor_at_what_the_other_uses() -> None:
    found = run({A: 10, B: 40}, cores=1, variant=Made(fixed_s=0.01, slope=0.5))
    assert found.tasks[A].p50_ms == pytest.approx(10 / (1 - 0.5 * 0.4))
    assert found.tasks[B].p50_ms == pytest.approx(10 / (1 - 0.5 * 0.1))
    assert found.cpu_share == pytest.approx(0.5)


def test_nobody_gets_less_than_an_even_share() -> None:
    found = run({A: 200, B: 5}, cores=1, variant=Made(fixed_s=0.01, slope=3.0))
    assert found.tasks[B].p50_ms == pytest.approx(20)
    assert max(found.cpu_share_by_second) <= 1


def test_a_full_box_is_shared_evenly_by_those_who_ask() -> None:
    found = run({A: 200, B: 200}, cores=1, variant=Made(fixed_s=0.01))
    assert found.tasks[A].answered == pytest.approx(70 * 50, rel=0.02)
    assert found.used_core_s == pytest.approx(60, rel=0.02)
    assert found.held_core_s == pytest.approx(60)


def test_a_load_slows_what_answers_meanwhile_and_uses_the_box() -> None:
    slow = {second: [deployment("one", A)] for second in (0,)} | {30: [deployment("other", A)]}
    found = run({A: 10}, cores=1, variant=Made(fixed_s=0.01, loads_s=2.0), plans=slow)
    assert found.cpu_share_by_second[29:33] == pytest.approx([0.1, 1.0, 1.0, 0.1])
    assert found.all_tasks.p50_ms == pytest.approx(10)
    assert found.all_tasks.p99_ms == pytest.approx(20)


def test_contention_that_was_not_measured_is_asked_for_only_where_cores_are_shared() -> None:
    class Unmeasured(Made):
        def kept(self, share: float) -> float:
            raise LookupError

    run({A: 10, B: 40}, cores=2, variant=Unmeasured())
    with pytest.raises(LookupError):
        run({A: 10, B: 40}, cores=1, variant=Unmeasured())
