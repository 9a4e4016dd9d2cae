"""IPA's problem from what a repository holds."""

from statistics import mean

import pytest
from made_tasks import BATCHES, TARGET, own_ms, reached

from orchestrators.planners.ipa import from_repository, solve
from porting.repository import Repository
from profiler.common.errors import BadInputError

LARGE, MIDDLE = "digits-large-0000000a", "digits-middle-0000000b"
# The rates on one core of the variants of a task.
DIGITS, BEES = (60, 240, 900), (40, 300)


def sla_ms(rates: tuple[int, ...]) -> float:
    return 5 * mean(own_ms(rate, 1, 0.5) for rate in rates)


def test_stages_are_the_tasks_in_their_order_with_every_measured_batch(tasks: Repository) -> None:
    given = from_repository(tasks, tasks=["digits", "bees"], target=TARGET, demand_rps=50)
    assert [stage.name for stage in given.stages] == ["digits", "bees"]
    middle = next(one for one in given.stages[0].variants if one.name == MIDDLE)
    assert middle.accuracy == pytest.approx(0.92)
    assert middle.latency_ms == pytest.approx({batch: own_ms(240, batch, middle.cores) for batch in BATCHES})
    assert middle.throughput_rps == pytest.approx({batch: reached(240, batch, middle.cores) for batch in BATCHES})


def test_a_replica_has_the_fewest_cores_on_which_it_reaches_the_threshold_in_time(tasks: Repository) -> None:
    def cores(threshold_rps: float) -> dict[str, float]:
        given = from_repository(
            tasks, tasks=["digits"], target=TARGET, demand_rps=50, threshold_rps=threshold_rps, deadline_ms=500
        )
        return {one.name: one.cores for one in given.stages[0].variants}

    def fewest(rate: float, threshold_rps: float) -> float:
        enough = [
            cores
            for cores in (0.5, 1, 2, 4, 8)
            for batch in BATCHES
            if reached(rate, batch, cores) >= threshold_rps and own_ms(rate, batch, cores) <= sla_ms(DIGITS)
        ]
        return min(enough)

    for threshold_rps in (4, 60, 150):
        assert cores(threshold_rps)[LARGE] == fewest(60, threshold_rps)
        assert cores(threshold_rps)[MIDDLE] == fewest(240, threshold_rps)
    assert cores(4)[LARGE] < cores(60)[LARGE] < cores(150)[LARGE]


def test_a_variant_that_never_reaches_the_threshold_is_left_out(tasks: Repository) -> None:
    given = from_repository(tasks, tasks=["digits"], target=TARGET, demand_rps=50, threshold_rps=1000)
    assert LARGE not in {one.name for one in given.stages[0].variants}
    with pytest.raises(BadInputError, match=r"no variant of digits reaches threshold_rps=1e\+06.*lower threshold_rps"):
        from_repository(tasks, tasks=["digits"], target=TARGET, demand_rps=50, threshold_rps=1e6)


def test_the_deadline_is_the_sum_of_the_stages_unless_given(tasks: Repository) -> None:
    given = from_repository(tasks, tasks=["digits", "bees"], target=TARGET, demand_rps=50)
    assert given.deadline_ms == pytest.approx(sla_ms(DIGITS) + sla_ms(BEES))
    assert from_repository(tasks, tasks=["bees"], target=TARGET, demand_rps=50, deadline_ms=70).deadline_ms == 70


def test_a_plan_from_metadata_deploys_a_published_variant_of_every_task(tasks: Repository) -> None:
    given = from_repository(tasks, tasks=["digits", "bees", "cifar10"], target=TARGET, demand_rps=20, beta=0.01)
    plan = solve(given)
    assert [one.task for one in plan.deployments] == ["digits", "bees", "cifar10"]
    assert all(tasks.variant(one.variant).task == one.task for one in plan.deployments)
    assert plan.latency_ms <= given.deadline_ms


def test_an_unknown_task_is_refused_with_the_choices(tasks: Repository) -> None:
    with pytest.raises(BadInputError, match="unknown task 'mnist': choices are bees, cifar10, digits"):
        from_repository(tasks, tasks=["digits", "mnist"], target=TARGET, demand_rps=50)
