"""Sponge: cores and batch, so that every waiting request meets its own deadline."""

import random
from itertools import permutations
from typing import Any

import pytest

from orchestrators import Infeasible
from orchestrators.planners.sponge import Problem, solve

LATENCY_MS = {1: {1: 50.0, 2: 80.0}, 2: {1: 30.0, 2: 45.0}}


def problem(**changes: Any) -> Problem:
    values = {"variant": "v", "latency_ms": LATENCY_MS, "demand_rps": 10, "remaining_ms": [150, 90, 90, 150]}
    return Problem.model_validate(values | changes)


def random_problem(draw: random.Random, **changes: Any) -> Problem:
    """Times in whole milliseconds: sums are exact, and deadlines are often met to the point."""
    by_cores = {
        cores: {batch: float(draw.randint(5, 15) + draw.randint(2, 6) * batch // cores) for batch in (1, 2, 3, 4)}
        for cores in (1, 2, 3)
    }
    values: dict[str, Any] = {
        "latency_ms": by_cores,
        "demand_rps": draw.randint(0, 150),
        "remaining_ms": [float(draw.randint(10, 120)) for _ in range(draw.randint(1, 6))],
        "cl_max_ms": float(draw.choice((0, 0, 7))),
        "delta": draw.choice((0.001, 0.3, 2.0)),
        "safety": draw.choice((1.0, 0.5)),
    }
    return problem(**values | changes)


def served(given: Problem, order: list[int], cores: int, batch: int) -> bool:
    """Whether all are in time where batches of the queue run one after the other."""
    now_ms, queue = 0.0, list(order)
    while queue:
        now_ms += given.latency_ms[cores][batch]
        if any(now_ms + given.cl_max_ms > given.safety * given.remaining_ms[one] for one in queue[:batch]):
            return False
        queue = queue[batch:]
    return True


def enumerated(given: Problem) -> tuple[int, int] | None:
    """The cheapest of all pairs that keep every constraint."""
    order = sorted(range(len(given.remaining_ms)), key=lambda one: given.remaining_ms[one])
    possible = [
        (cores + given.delta * batch, cores, batch)
        for cores, by_batch in given.latency_ms.items()
        for batch, latency_ms in by_batch.items()
        if batch / latency_ms * 1000 >= given.demand_rps and served(given, order, cores, batch)
    ]
    return min(possible)[1:] if possible else None


def test_the_fewest_cores_that_serve_all_by_deadline() -> None:
    # On one core the second single request is answered after 100 ms of 90, and the second pair after 160 of 150.
    plan = solve(problem())
    assert (plan.cores, plan.batch, plan.objective) == (2, 1, 2.01)
    assert plan.order == [1, 2, 0, 3]
    assert plan.answered_ms == [90, 30, 60, 120]
    assert plan.slack_ms == [60, 60, 30, 30]


def test_a_demand_over_single_requests_takes_a_larger_batch() -> None:
    # On two cores 1 / 30 ms is 33.3/s, and 2 / 45 ms is 44.4/s.
    assert solve(problem(demand_rps=33)).batch == 1
    assert solve(problem(demand_rps=20, remaining_ms=[60])).cores == 1
    plan = solve(problem(demand_rps=40))
    assert (plan.cores, plan.batch) == (2, 2)
    assert plan.throughput_rps == pytest.approx(400 / 9)


def test_a_large_delta_pays_cores_for_a_small_batch() -> None:
    quick = {1: {4: 40.0}, 2: {1: 10.0}}
    assert solve(problem(latency_ms=quick, delta=0.3)).cores == 1
    assert solve(problem(latency_ms=quick, delta=0.4)).cores == 2


def test_the_safety_factor_holds_back_a_share_of_every_deadline() -> None:
    assert solve(problem(remaining_ms=[55])).cores == 1
    assert solve(problem(remaining_ms=[55], safety=0.9)).cores == 2


def test_the_communication_that_no_deadline_has_in_it_yet_is_added() -> None:
    assert solve(problem(remaining_ms=[55], cl_max_ms=5)).cores == 1
    assert solve(problem(remaining_ms=[55], cl_max_ms=6)).cores == 2


def test_the_request_that_cannot_be_in_time_is_named_with_its_terms() -> None:
    message = (
        r"request 3 \(from 0\) of 4 is 11 ms late even with 2 cores and batches of 2, the best pair that sustains "
        r"10 requests/s: 45 ms of queueing, 45 ms of work and 1 ms of communication, "
        r"and it may take 1 of the 80 ms that are left"
    )
    with pytest.raises(Infeasible, match=message):
        solve(problem(remaining_ms=[60, 60, 95, 80], cl_max_ms=1))


def test_a_deadline_that_is_over_already_is_infeasible() -> None:
    with pytest.raises(Infeasible, match=r"request 1 \(from 0\) of 2 is 33 ms late .* the -3 ms that are left"):
        solve(problem(remaining_ms=[60, -3]))


def test_a_demand_over_everything_is_named_with_the_most_that_is_sustained() -> None:
    with pytest.raises(Infeasible, match=r"45 requests/s is more than v sustains, at most 44.44 with 2 cores and"):
        solve(problem(demand_rps=45))


def test_the_plan_is_what_enumeration_finds() -> None:
    draw, feasible = random.Random(1), 0  # noqa: S311
    for _ in range(500):
        given = random_problem(draw)
        expected = enumerated(given)
        if expected is None:
            with pytest.raises(Infeasible):
                solve(given)
            continue
        plan = solve(given)
        assert (plan.cores, plan.batch) == expected, given
        assert min(plan.slack_ms) >= 0
        feasible += 1
    assert 100 < feasible < 400


def test_no_other_order_serves_what_the_order_of_deadlines_does_not() -> None:
    draw = random.Random(2)  # noqa: S311
    for _ in range(60):
        given = random_problem(draw, demand_rps=0, latency_ms={1: {draw.randint(1, 3): float(draw.randint(10, 30))}})
        batch = next(iter(given.latency_ms[1]))
        anyhow = any(served(given, list(order), 1, batch) for order in permutations(range(len(given.remaining_ms))))
        assert (enumerated(given) is not None) == anyhow


def test_with_one_deadline_for_all_the_plan_is_the_published_search() -> None:
    """The fewest cores, then the smallest batch, for a second's demand that waits at once; 0.9 of the SLO."""
    draw, slo_ms = random.Random(3), 1000.0  # noqa: S311
    for _ in range(200):
        demand, cl_max_ms = draw.randint(5, 80), float(draw.randint(0, 500))
        given = random_problem(
            draw, demand_rps=demand, remaining_ms=[slo_ms] * demand, cl_max_ms=cl_max_ms, delta=0.01, safety=0.9
        )
        published = [
            (cores, batch)
            for cores in (1, 2, 3)
            for batch in (1, 2, 3, 4)
            if -(-demand // batch) * given.latency_ms[cores][batch] + cl_max_ms <= 0.9 * slo_ms
        ]
        if published:
            plan = solve(given)
            assert (plan.cores, plan.batch) == published[0]
        else:
            with pytest.raises(Infeasible):
                solve(given)


def test_equal_problems_give_equal_plans_and_equal_deadlines_keep_their_order() -> None:
    given = problem(remaining_ms=[150, 150, 150])
    assert solve(given) == solve(given)
    assert solve(given).order == [0, 1, 2]


def test_a_plan_is_one_instance_scaled_in_place() -> None:
    (deployment,) = solve(problem(task="digits")).deployments
    assert (deployment.task, deployment.variant, deployment.replicas) == ("digits", "v", 1)
    assert (deployment.cores, deployment.batch, deployment.rate_rps) == (2, 1, 10)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"remaining_ms": []}, "at least 1 item"),
        ({"latency_ms": {}}, "at least 1 item"),
        ({"latency_ms": {2: {}}}, r"latency_ms\.2\s+Dictionary should have at least 1 item"),
        ({"latency_ms": {0: {1: 5.0}}}, "greater than or equal to 1"),
        ({"latency_ms": {1: {1: 0.0}}}, "greater than 0"),
        ({"demand_rps": -1}, "greater than or equal to 0"),
        ({"safety": 1.1}, "less than or equal to 1"),
        ({"remaining_ms": [float("nan")]}, "finite number"),
    ],
)
def test_what_is_no_problem_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        problem(**changes)
