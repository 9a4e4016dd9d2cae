"""INFaaS' autoscaler: the program against every plan there is, the heuristic against the program."""

from collections.abc import Callable
from itertools import count, islice, product
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from orchestrators import Infeasible
from orchestrators.planners.infaas import Demand, Limit, Plan, Problem, Variant, greedy, solve

INSTANCES = 300
Pairs = list[tuple[Variant, int]]


def variant(name: str, rate_rps: float, **changes: Any) -> Variant:
    values = {"task": "digits", "target": "cpu", "cores": 1, "accuracy": 0.9, "latency_ms": 10, "load_s": 1, "cost": 1}
    return Variant.model_validate({"name": name, "rate_rps": rate_rps} | values | changes)


def problem(*variants: Variant, rate_rps: float, cores: float = 8, **changes: Any) -> Problem:
    demand = Demand(task="digits", rate_rps=rate_rps, accuracy=0.8, latency_ms=50)
    limits = [Limit(target=one, cores=cores) for one in sorted({one.target for one in variants})]
    values = {"demands": [demand], "variants": list(variants), "limits": limits, "slack": 1}
    return Problem.model_validate(values | changes)


def by_name(plan: Plan) -> dict[str, int]:
    return {one.variant.name: one.count for one in plan.scalings}


def random_problem(random: Random) -> Problem:
    """One or two tasks with a few variants on one or two targets, some running; slow and inaccurate ones among them."""
    tasks, targets = ["digits", "bees"][: random.randint(1, 2)], ["cpu", "gpu"][: random.randint(1, 2)]
    variants = [
        Variant(
            name=f"{task}-{number}",
            task=task,
            target=random.choice(targets),
            cores=random.choice([1, 2, 3]),
            accuracy=random.uniform(0.7, 1),
            latency_ms=random.uniform(5, 60),
            rate_rps=random.uniform(5, 60),
            load_s=random.uniform(0, 60),
            cost=random.uniform(0.1, 3),
            memory_bytes=random.randint(1, 9),
            running=random.choice([0, 0, 1, 2]),
        )
        for task in tasks
        for number in range(random.randint(1, 3))
    ]
    demands = [Demand(task=task, rate_rps=random.uniform(0, 90), accuracy=0.75, latency_ms=50) for task in tasks]
    limits = [Limit(target=one, cores=random.randint(2, 9), memory_bytes=random.choice([None, 30])) for one in targets]
    priced, weight = random.choice([True, False]), random.choice([0, 0.02, 0.2])
    return Problem(demands=demands, variants=variants, limits=limits, load_priced=priced, load_weight_per_s=weight)


def best_by_enumeration(problem: Problem) -> float | None:
    """The least cost of all counts that keep every constraint, written down a second time."""
    cores = {limit.target: limit.cores for limit in problem.limits}
    ranges = [range(int(cores[one.target] // one.cores) + 1) for one in problem.variants]
    plans = (list(zip(problem.variants, counts, strict=True)) for counts in product(*ranges))
    return min((cost(problem, pairs) for pairs in plans if feasible(problem, pairs)), default=None)


def cost(problem: Problem, pairs: Pairs) -> float:
    weight = problem.load_weight_per_s
    return sum(
        one.cost * n + weight * one.load_s * (one.cost if problem.load_priced else 1) * max(0, n - one.running)
        for one, n in pairs
    )


def feasible(problem: Problem, pairs: Pairs) -> bool:
    return inside(problem, pairs) and all(kept(problem, demand, pairs) for demand in problem.demands)


def kept(problem: Problem, demand: Demand, pairs: Pairs) -> bool:
    carried = 0.0
    for one, n in pairs:
        if one.task == demand.task:
            if one.accuracy >= demand.accuracy and one.latency_ms <= demand.latency_ms:
                carried += n * one.rate_rps
            elif n > one.running:
                return False
    return carried >= problem.slack * demand.rate_rps


def inside(problem: Problem, pairs: Pairs) -> bool:
    for limit in problem.limits:
        own = [(one, n) for one, n in pairs if one.target == limit.target]
        if sum(n * one.cores for one, n in own) > limit.cores:
            return False
        if limit.memory_bytes is not None and sum(n * (one.memory_bytes or 0) for one, n in own) > limit.memory_bytes:
            return False
    return True


def tried(way: Callable[[Problem], Plan], problem: Problem) -> Plan | None:
    try:
        return way(problem)
    except Infeasible:
        return None


def decided(problem: Problem, plan: Plan) -> Pairs:
    return [(one, plan.counts.get(one.key, 0)) for one in problem.variants]


@pytest.fixture(scope="module")
def programs() -> list[tuple[Problem, Plan | None]]:
    """Random problems of up to four variants with what the program says."""
    random = Random(7)  # noqa: S311
    problems = (random_problem(random) for _ in count())
    small = islice((one for one in problems if len(one.variants) <= 4), INSTANCES)
    return [(one, tried(solve, one)) for one in small]


def test_the_program_finds_the_best_of_all_plans(programs: list[tuple[Problem, Plan | None]]) -> None:
    for problem, plan in programs:
        best = best_by_enumeration(problem)
        assert (plan is None) == (best is None)
        if plan is not None:
            assert feasible(problem, decided(problem, plan))
            assert plan.objective == pytest.approx(cost(problem, decided(problem, plan)))
            assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert 50 < sum(plan is None for _, plan in programs) < INSTANCES - 150


def test_the_heuristic_keeps_every_constraint_and_is_never_better_than_the_program(
    programs: list[tuple[Problem, Plan | None]],
) -> None:
    above = []
    for problem, plan in programs:
        step = tried(greedy, problem)
        if step is not None:
            assert feasible(problem, decided(problem, step))
            assert plan is not None
            above.append(step.objective - plan.objective)
    assert min(above) > -1e-9
    assert sum(one > 1e-6 for one in above) > 20
    assert sum(one <= 1e-6 for one in above) > 20


def test_a_small_rise_is_met_by_a_replica() -> None:
    found = solve(problem(variant("slow", 20, running=1), variant("fast", 60, cost=4), rate_rps=35))
    assert by_name(found) == {"slow": 2}
    assert found.actions == {"digits": "replicate"}


def test_a_large_rise_is_met_by_an_upgrade() -> None:
    found = solve(problem(variant("slow", 20, running=1), variant("fast", 200, cost=4), rate_rps=150))
    assert by_name(found) == {"slow": 0, "fast": 1}
    assert found.actions == {"digits": "upgrade"}


def test_a_fall_is_met_by_a_downgrade() -> None:
    found = solve(problem(variant("slow", 20), variant("fast", 200, cost=4, running=1), rate_rps=15))
    assert by_name(found) == {"slow": 1, "fast": 0}
    assert found.actions == {"digits": "downgrade"}


def test_no_demand_unloads_everything() -> None:
    found = solve(problem(variant("slow", 20, running=3), rate_rps=0))
    assert by_name(found) == {"slow": 0}
    assert found.actions == {"digits": "remove"}
    assert found.deployments == []


@pytest.mark.parametrize("way", [solve, greedy])
@pytest.mark.parametrize("rate_rps", [1e-12, 1e-8, 1e-6, 1e-3])
def test_the_smallest_load_takes_an_instance(way: Callable[[Problem], Plan], rate_rps: float) -> None:
    assert by_name(way(problem(variant("a", 1000), rate_rps=rate_rps))) == {"a": 1}


def test_a_heavy_weight_on_loading_keeps_what_runs() -> None:
    variants = variant("there", 50, running=1, cost=2), variant("cheaper", 50, load_s=30)
    assert by_name(solve(problem(*variants, rate_rps=40, load_weight_per_s=0.01))) == {"there": 0, "cheaper": 1}
    assert by_name(solve(problem(*variants, rate_rps=40, load_weight_per_s=0.1))) == {"there": 1}


def test_loading_is_priced_in_the_paper_and_not_on_the_slides() -> None:
    one = variant("only", 50, cost=3, load_s=10)
    assert solve(problem(one, rate_rps=40, load_weight_per_s=0.1)).load_cost == pytest.approx(3)
    assert solve(problem(one, rate_rps=40, load_weight_per_s=0.1, load_priced=False)).load_cost == pytest.approx(1)


def test_what_breaks_a_bound_carries_nothing_although_it_runs() -> None:
    found = solve(problem(variant("late", 90, latency_ms=51, running=1), variant("fine", 20, cost=3), rate_rps=20))
    assert by_name(found) == {"late": 0, "fine": 1}


def test_the_load_is_shared_in_proportion_to_capacity() -> None:
    variants = variant("one", 30, running=1), variant("other", 60, running=1, cost=1.5)
    rates = {one.variant: one.rate_rps for one in greedy(problem(*variants, rate_rps=75)).deployments}
    assert rates == pytest.approx({"one": 25, "other": 50})


def test_of_equal_plans_the_first_variants_run() -> None:
    first, second = variant("first", 50), variant("second", 50)
    assert by_name(solve(problem(first, second, rate_rps=40))) == {"first": 1}
    assert by_name(solve(problem(second, first, rate_rps=40))) == {"second": 1}


def test_the_heuristic_cannot_mix_what_the_program_mixes() -> None:
    mixed = problem(variant("big", 100, cost=4, cores=4), variant("small", 20), rate_rps=120, cores=5)
    assert by_name(solve(mixed)) == {"big": 1, "small": 1}
    with pytest.raises(Infeasible, match=r"no single step carries 120 .* takes 6 cores of cpu, which has 5"):
        greedy(mixed)


def test_the_heuristic_removes_one_instance_at_a_time() -> None:
    assert by_name(greedy(problem(variant("slow", 20, running=3), rate_rps=5))) == {"slow": 2}


def test_a_task_that_scales_down_makes_room_for_one_that_scales_up() -> None:
    demands = [Demand(task=task, rate_rps=rate, latency_ms=50) for task, rate in (("digits", 55), ("bees", 15))]
    variants = variant("up", 20, running=2), variant("down", 20, task="bees", running=2)
    found = greedy(problem(*variants, rate_rps=0, demands=demands, cores=4))
    assert by_name(found) == {"up": 3, "down": 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cores": 2}, r"to carry 90 inputs/s of digits takes 3 cores of cpu, which has 2: raise the limit"),
        ({"demands": [Demand(task="digits", rate_rps=1, accuracy=0.95, latency_ms=50)]}, "best is only@.* with 0.9;"),
        ({"demands": [Demand(task="digits", rate_rps=1, latency_ms=9)]}, "in 9 ms: the quickest is only@.* with 10 ms"),
    ],
)
def test_the_constraint_that_binds_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Infeasible, match=said):
        solve(problem(variant("only", 30), rate_rps=90, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"variants": []}, "at least 1 item"),
        ({"variants": [variant("a", 1), variant("a", 1)]}, "variants named twice: a@cpu/cores=1/batch=1"),
        ({"variants": [variant("a", 1, task="bees")]}, "task bees has no demand .*there is one for digits"),
        ({"variants": [variant("a", 1, target="gpu")]}, "target gpu has no limit"),
        ({"limits": [Limit(target="cpu", cores=1, memory_bytes=9)]}, "memory of cpu is bounded and that of a@"),
        ({"slack": 0.9}, "greater than or equal to 1"),
        ({"demands": [{"task": "digits", "rate_rps": -1, "latency_ms": 5}]}, "greater than or equal to 0"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        problem(variant("a", 1), rate_rps=1, **changes)
