"""IPA within the cores of a box."""

import pytest

from orchestrators import Infeasible
from orchestrators.planners.ipa import Problem, Stage, Variant, solve
from orchestrators.planners.ipa.options import within


def variant(name: str, accuracy: float, rate_rps: float) -> Variant:
    """On one core, and twice as quick in batches of 4."""
    return Variant(
        name=name, accuracy=accuracy, cores=1, latency_ms={1: 20, 4: 40}, throughput_rps={1: rate_rps, 4: 2 * rate_rps}
    )


def problem(demand_rps: float) -> Problem:
    """The large variant is worth its cores."""
    stage = Stage(name="digits", variants=[variant("large", 0.9, 10), variant("small", 0.6, 50)])
    return Problem(stages=[stage], demand_rps=demand_rps, deadline_ms=1000, beta=0.01)


def test_without_a_bound_cores_are_taken_as_long_as_they_are_worth_it() -> None:
    assert solve(problem(60)).variant == {"digits": "large"}
    assert solve(problem(60)).replicas == {"digits": 3}


def test_within_enough_cores_the_plan_is_the_same() -> None:
    assert solve(within(problem(60), 3)) == solve(problem(60))


def test_within_fewer_cores_the_best_that_fits_is_taken() -> None:
    found = solve(within(problem(60), 2))
    assert (found.variant, found.replicas, found.resource_cost) == ({"digits": "small"}, {"digits": 1}, 1)


def test_where_nothing_fits_it_is_said_how_many_cores_would_do() -> None:
    with pytest.raises(Infeasible, match="250 requests/s of digits take 3 cores or more, and it has 2: more cores"):
        within(problem(250), 2)


def test_without_demand_the_one_replica_fits() -> None:
    assert solve(within(problem(0), 1)).replicas == {"digits": 1}
