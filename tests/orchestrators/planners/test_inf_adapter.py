"""InfAdapter: cores and quotas of a set of variants."""

import random
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from orchestrators import Infeasible
from orchestrators.planners.inf_adapter import Plan, Problem, Variant, search, solve
from orchestrators.planners.inf_adapter.choices import best, choices
from orchestrators.planners.inf_adapter.solve import planned

SMALL = Variant(name="small", accuracy=0.7, load_time_s=6.0, capacity_rps={0: 0, 2: 40, 4: 80, 8: 160})
MIDDLE = Variant(name="middle", accuracy=0.76, load_time_s=9.0, capacity_rps={0: 0, 2: 16, 4: 32, 8: 64})
LARGE = Variant(name="large", accuracy=0.8, load_time_s=12.0, capacity_rps={0: 0, 2: 8, 4: 16, 8: 32, 16: 64})


def problem(**changes: Any) -> Problem:
    values = {"variants": [SMALL, MIDDLE, LARGE], "demand_rps": 75, "max_cores": 20, "min_cores": 2}
    return Problem.model_validate(values | changes)


def random_problem(draw: random.Random) -> Problem:
    """Up to four variants, often with equal accuracies and with rates that are multiples of each other."""
    variants = []
    for number in range(draw.randint(1, 4)):
        rate, power = draw.choice((draw.randint(1, 4), draw.uniform(1, 10))), draw.choice((1, 0.9, 0.7))
        rates = {cores: rate * cores**power for cores in draw.sample(range(1, 9), draw.randint(1, 6))}
        late = {cores for cores in rates if draw.random() < 0.05}
        variants.append(Variant(
            name=f"v{number}", accuracy=draw.choice((0.5, 0.7, round(draw.random(), 3))),
            load_time_s=draw.choice((0, 1, draw.uniform(0, 10))),
            capacity_rps={0: 0} | {cores: 0 if cores in late else rate for cores, rate in rates.items()},
        ))  # fmt: skip
    most = sum(max(one.capacity_rps.values()) for one in variants)
    return Problem(
        variants=draw.sample(variants, len(variants)),
        demand_rps=draw.choice((draw.uniform(0, 0.9) * most, draw.randint(0, 9))),
        max_cores=draw.randint(3, 9),
        min_cores=draw.choice((1, 1, 2, 3)),
        previous={one.name: draw.randint(0, 5) for one in variants if draw.random() < 0.5},
        alpha=draw.choice((0, 1, draw.random(), 100)),
        beta=draw.choice((0, 0.05, draw.random(), 10)),
        gamma=draw.choice((0, 0.001, draw.random(), 5)),
    )


def objective(given: Problem, cores: tuple[int, ...]) -> float:
    """By the definitions, quotas greedily to the most accurate."""
    held = list(zip(given.variants, cores, strict=True))
    left, served = given.demand_rps, 0.0
    for one, own in sorted(held, key=lambda pair: -pair[0].accuracy):
        quota = min(left, one.capacity_rps.get(own, 0))
        left, served = left - quota, served + quota * one.accuracy
    loads = [one.load_time_s for one, own in held if own and own != given.previous.get(one.name, 0)]
    longest = max(one.load_time_s for one in given.variants)
    loading = max(loads, default=0) / longest if longest else 0.0
    accuracy = served / given.demand_rps if given.demand_rps else 0.0
    return given.alpha * accuracy - (given.beta * sum(cores) / given.max_cores + given.gamma * loading)


def enumerated(given: Problem) -> tuple[float, int] | None:
    """The highest objective of all divisions of the cores that carry the demand, and the fewest cores it takes."""
    offered = [
        [0, *(cores for cores in one.capacity_rps if cores >= given.min_cores and one.capacity_rps[cores])]
        for one in given.variants
    ]
    possible = [
        (objective(given, cores), sum(cores))
        for cores in product(*offered)
        if sum(cores) <= given.max_cores
        and sum(one.capacity_rps.get(own, 0) for one, own in zip(given.variants, cores, strict=True))
        >= given.demand_rps * (1 - 1e-12)
    ]
    if not possible:
        return None
    highest, equal = max(possible)[0], 1e-9 * (given.alpha + given.beta + given.gamma)
    return highest, min(cores for reached, cores in possible if reached >= highest - equal)


def by_highs_alone(given: Problem) -> Plan | None:
    """The integer program over every choice."""
    found = choices(given)
    cores = best(found, [[column for column, real in enumerate(row) if real] for row in found.real])
    return None if cores is None else planned(given, cores)


def test_accuracy_is_bought_with_the_cores_that_the_demand_leaves() -> None:
    plan = solve(problem(alpha=1.0, beta=0.05, gamma=0.001, previous={"large": 16}))
    assert plan.cores == {"small": 0, "middle": 2, "large": 16}
    assert plan.quota_rps == {"small": 0, "middle": 11, "large": 64}
    accuracy = (64 * 0.8 + 11 * 0.76) / 75
    # Only the middle one is loaded, in 9 s where the longest load takes 12.
    assert (plan.accuracy, plan.resource_cost, plan.loading_cost) == pytest.approx((accuracy, 0.9, 0.75))
    assert plan.objective == pytest.approx(accuracy - (0.05 * 0.9 + 0.001 * 0.75))


def test_cores_that_cost_more_than_their_accuracy_is_worth_stay_free() -> None:
    plan = solve(problem(beta=10))
    assert plan.cores == {"small": 4, "middle": 0, "large": 0}
    assert plan.quota_rps["small"] == 75


def test_a_load_that_costs_more_than_it_brings_is_not_made() -> None:
    held = {"middle": 8, "small": 2}
    assert solve(problem(previous=held, gamma=0)).cores["large"] > 0
    assert solve(problem(previous=held, gamma=1)).cores == {"small": 2, "middle": 8, "large": 0}


def test_a_variant_that_gives_up_all_cores_loads_nothing() -> None:
    plan = solve(problem(variants=[SMALL, LARGE], demand_rps=150, previous={"large": 16, "small": 8}, max_cores=8))
    assert plan.cores == {"small": 8, "large": 0}
    assert plan.loading_cost == 0


def test_quotas_go_to_the_most_accurate_first_and_add_up_to_the_demand() -> None:
    plan = solve(problem(demand_rps=130))
    held = sorted((one for one in problem().variants if plan.cores[one.name]), key=lambda one: -one.accuracy)
    assert len(held) > 1
    for one in held[:-1]:
        assert plan.quota_rps[one.name] == one.capacity_rps[plan.cores[one.name]]
    assert sum(plan.quota_rps.values()) == pytest.approx(130)


def test_each_variant_with_cores_has_at_least_the_fewest_allowed() -> None:
    plan = solve(problem(min_cores=8))
    assert all(cores == 0 or cores >= 8 for cores in plan.cores.values())
    assert sum(plan.cores.values()) <= 20


def test_without_demand_no_variant_holds_cores() -> None:
    plan = solve(problem(demand_rps=0, previous={"large": 16}))
    assert set(plan.cores.values()) == set(plan.quota_rps.values()) == {0}
    assert plan.objective == plan.accuracy == plan.resource_cost == plan.loading_cost == 0
    assert plan.deployments == []


def test_the_order_of_variants_decides_nothing() -> None:
    twins = [SMALL.model_copy(update={"name": name}) for name in ("b", "a", "c")]
    plans = [solve(problem(variants=order, demand_rps=300, beta=0)) for order in (twins, twins[::-1])]
    assert plans[0].cores == plans[1].cores
    assert plans[0].quota_rps == plans[1].quota_rps


def test_equal_plans_are_told_apart_by_the_fewest_cores() -> None:
    wasteful = Variant(name="wasteful", accuracy=0.7, load_time_s=6.0, capacity_rps={3: 40})
    plan = solve(problem(variants=[wasteful, SMALL], demand_rps=40, beta=0, gamma=0))
    assert plan.cores == {"wasteful": 0, "small": 2}


def test_a_plan_deploys_every_variant_that_holds_cores() -> None:
    plan = solve(problem(task="digits", previous={"large": 16}))
    found = [(one.task, one.variant, one.replicas, one.cores, one.rate_rps) for one in plan.deployments]
    assert found == [("digits", "middle", 1, 2, 11), ("digits", "large", 1, 16, 64)]


def test_demand_that_more_cores_would_carry_asks_for_more_cores() -> None:
    message = r"demand is 280 requests/s, and 20 cores carry at most 240 in time.*: more cores, a longer deadline or"
    with pytest.raises(Infeasible, match=message):
        solve(problem(demand_rps=280))
    assert solve(problem(demand_rps=280, max_cores=32)).cores == {"small": 8, "middle": 8, "large": 16}


@pytest.mark.parametrize(("max_cores", "carried"), [(20, 240), (100, 288)])
def test_demand_above_all_that_was_measured_asks_for_variants_or_measurements(max_cores: int, carried: int) -> None:
    message = (
        rf"{max_cores} cores carry at most {carried} in time.*, and any number of cores at most 288 as far as was "
        r"measured: another variant, a profile on larger numbers of cores, a longer deadline or less demand would help"
    )
    with pytest.raises(Infeasible, match=message):
        solve(problem(demand_rps=500, max_cores=max_cores))


@pytest.mark.parametrize(
    ("fewest", "most", "said"),
    [
        (1, 1, r"min_cores=1 and max_cores=1 .* the nearest .* is 2 \(middle\): raise max_cores to 2"),
        (17, 20, r"min_cores=17 and max_cores=20 .* the nearest .* is 8 \(middle\): lower min_cores to 8"),
        (9, 15, r"min_cores=9 and max_cores=15 .* the nearest .* is 8 \(middle\): lower min_cores to 8"),
    ],
)
def test_a_range_of_cores_beside_all_that_were_measured_names_its_end_and_the_nearest(
    fewest: int, most: int, said: str
) -> None:
    with pytest.raises(Infeasible, match=said):
        solve(problem(variants=[MIDDLE], min_cores=fewest, max_cores=most))


def test_cores_on_which_the_deadline_is_missed_are_told_from_those_on_which_it_is_met() -> None:
    late = SMALL.model_copy(update={"capacity_rps": {2: 0, 4: 0, 8: 160}})
    with pytest.raises(Infeasible, match=r"the nearest .* is 8 \(small\): raise max_cores to 8"):
        solve(problem(variants=[late], max_cores=4))


def test_a_deadline_that_no_variant_meets_on_any_cores_is_infeasible() -> None:
    late = SMALL.model_copy(update={"capacity_rps": {0: 0, 2: 0, 4: 0}})
    message = r"no variant meets the deadline on any number of cores that was measured: a longer deadline or a quicker"
    for most in (1, 20):
        with pytest.raises(Infeasible, match=message):
            solve(problem(variants=[late], min_cores=1, max_cores=most))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variants": []}, "at least 1 item"),
        ({"variants": [SMALL, SMALL]}, "variants named twice: small; give each a name of its own"),
        ({"demand_rps": -1}, "greater than or equal to 0"),
        ({"min_cores": 8, "max_cores": 3}, "min_cores=8 is above max_cores=3: lower min_cores or raise max_cores"),
        ({"previous": {"tiny": 2}}, "previous names 'tiny', which is no variant: choices are small, middle, large"),
        ({"previous": {"small": -2}}, r"previous\.small\s+Input should be greater than or equal to 0"),
    ],
)
def test_a_problem_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        problem(**changes)


@pytest.mark.parametrize(
    ("capacity_rps", "message"),
    [
        ({}, "at least 1 item"),
        ({0: 5.0}, "5 requests/s on 0 cores: nothing is served without cores, give 0"),
        ({2: -5.0}, r"capacity_rps\.2\s+Input should be greater than or equal to 0"),
    ],
)
def test_a_capacity_that_makes_no_sense_is_refused(capacity_rps: dict[int, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Variant(name="v", accuracy=0.5, load_time_s=1, capacity_rps=capacity_rps)


def test_plans_are_those_of_enumeration_on_random_problems() -> None:
    draw, infeasible = random.Random(0), 0  # noqa: S311
    for _ in range(300):
        given = random_problem(draw)
        expected = enumerated(given)
        if expected is None:
            infeasible += 1
            with pytest.raises(Infeasible):
                solve(given)
            continue
        plan = solve(given)
        scale = given.alpha + given.beta + given.gamma
        assert plan.objective == pytest.approx(expected[0], abs=2e-9 * scale), given
        assert sum(plan.cores.values()) == expected[1], given
        cores = tuple(plan.cores[one.name] for one in given.variants)
        assert plan.objective == pytest.approx(objective(given, cores), abs=1e-12 * (scale or 1)), given
    assert 30 < infeasible < 200


def test_a_search_that_begins_with_a_single_plan_widens_to_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WIDTH", 1)
    monkeypatch.setattr(search, "WIDER", 2)
    draw = random.Random(2)  # noqa: S311
    for _ in range(100):
        given = random_problem(draw)
        expected = enumerated(given)
        if expected is not None:
            scale = given.alpha + given.beta + given.gamma
            assert solve(given).objective == pytest.approx(expected[0], abs=2e-9 * scale), given


def test_plans_are_those_of_highs_alone_on_random_problems_of_a_common_size() -> None:
    draw = random.Random(1)  # noqa: S311
    for _ in range(12):
        variants = [
            Variant(
                name=f"v{number}",
                accuracy=0.6 + 0.03 * number + 0.02 * draw.random(),
                load_time_s=draw.uniform(2, 20),
                capacity_rps={cores: 60 * 0.75**number * draw.uniform(0.8, 1.2) * cores**0.9 for cores in range(1, 13)},
            )
            for number in range(6)
        ]
        demand_rps = draw.uniform(0.1, 0.7) * max(variants[0].capacity_rps.values())
        previous = {one.name: draw.randint(1, 8) for one in draw.sample(variants, 2)}
        given = Problem(variants=variants, demand_rps=demand_rps, max_cores=12, previous=previous)
        alone = by_highs_alone(given)
        assert alone is not None
        assert solve(given).objective == pytest.approx(alone.objective, abs=1e-8)
