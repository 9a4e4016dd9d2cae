"""Paragon: models and resources for classes of queries, against every combination there is."""

from math import ceil
from random import Random
from statistics import fmean, median
from typing import Any

import pytest
from pydantic import ValidationError

from orchestrators import Infeasible
from orchestrators.planners.paragon import (
    Choice,
    Function,
    Problem,
    QueryClass,
    Serverless,
    Variant,
    Vm,
    solve,
    two_levels,
)
from orchestrators.planners.paragon.load import Load
from profiler.common.errors import BadInputError

INSTANCES = 600
PRICES = Serverless(per_gb_s=0.00002, per_call=0.0000002, start_up_s=2)
BURSTS = two_levels(median_rps=100, peak_rps=400, peak_share=0.05)


def vm(latency_ms: float, rate_rps: float, **changes: Any) -> Vm:
    values = {"target": "m4", "cores": 2, "per_hour": 0.1, "latency_ms": latency_ms, "rate_rps": rate_rps}
    return Vm.model_validate(values | changes)


def functions(*sizes: tuple[float, float]) -> list[Function]:
    return [Function(memory_gb=memory_gb, latency_ms=latency_ms) for memory_gb, latency_ms in sizes]


SMALL = Variant(name="small", task="digits", accuracy=0.8, vms=[vm(50, 100)], functions=functions((0.5, 90), (2, 40)))
LARGE = Variant(name="large", task="digits", accuracy=0.95, vms=[vm(200, 20)], functions=functions((1, 300), (3, 150)))


def query(rates_rps: list[float], **changes: Any) -> QueryClass:
    values = {"name": "faces", "task": "digits", "rates_rps": rates_rps, "min_accuracy": 0.7, "max_latency_ms": 100}
    return QueryClass.model_validate(values | changes)


def problem(*classes: QueryClass, **changes: Any) -> Problem:
    values = {"classes": list(classes), "variants": [SMALL, LARGE], "serverless": PRICES}
    return Problem.model_validate(values | changes)


def chosen(one: QueryClass, **changes: Any) -> Choice:
    (choice,) = solve(problem(one, **changes)).choices
    return choice


# Enumeration: every variant, VM, number of VMs and function, with the formulas written down a second time.


def figures(one: Problem, asked: QueryClass) -> list[tuple[float, float, float]]:
    """Cost an hour, accuracy and latency in ms of everything that serves a class."""
    rates, found = asked.rates_rps, []
    peaked = max(rates) > one.peak_to_median * median(rates)
    for variant in one.variants:
        for machine in variant.vms:
            most = ceil(max(rates) / machine.rate_rps)
            for count in range(most + 1):
                carried, cost = count * machine.rate_rps, count * machine.per_hour
                if count == most:
                    found.append((cost, variant.accuracy, machine.latency_ms))
                elif not asked.strict and carried >= fmean(rates):
                    wait_ms = 1e3 * longest_wait_s(rates, asked.step_s, carried)
                    found.append((cost, variant.accuracy, machine.latency_ms + wait_ms))
                elif asked.strict and peaked and one.serverless and carried >= median(rates):
                    calls = 3600 * fmean(max(0.0, rate - carried) for rate in rates)
                    for function in variant.functions:
                        if function.memory_gb >= variant.memory_gb:
                            each = one.serverless.per_call
                            each += one.serverless.per_gb_s * function.memory_gb * function.latency_ms / 1e3
                            start_ms = 1e3 * (one.serverless.start_up_s or 0) if one.cold else 0
                            slowest = max(machine.latency_ms if count else 0, function.latency_ms + start_ms)
                            found.append((cost + calls * each, variant.accuracy, slowest))
    return found


def longest_wait_s(rates: list[float], step_s: float, carried: float) -> float:
    """The largest sum of excess over any stretch of the repeated load, over what is carried."""
    twice, longest = rates * 2, 0.0
    for start in range(len(rates)):
        backlog = 0.0
        for rate in twice[start : start + len(rates)]:
            backlog += (rate - carried) * step_s
            longest = max(longest, backlog)
    return longest / carried


def best_by_enumeration(one: Problem, asked: QueryClass) -> float | None:
    """The best value of what is not bounded."""
    least, latest, dearest = asked.min_accuracy, asked.max_latency_ms, asked.max_cost_per_hour
    kept = [
        (cost, accuracy, latency)
        for cost, accuracy, latency in figures(one, asked)
        if (least is None or accuracy >= least)
        and (latest is None or latency <= latest)
        and (dearest is None or cost <= dearest)
    ]
    if not kept:
        return None
    if latest is None:
        return min(latency for _, _, latency in kept)
    return max(accuracy for _, accuracy, _ in kept) if least is None else min(cost for cost, _, _ in kept)


def random_problem(random: Random) -> Problem:
    variants = [
        Variant(
            name=f"variant-{number}",
            task="digits",
            accuracy=random.uniform(0.7, 1),
            vms=[
                vm(random.uniform(10, 300), random.uniform(5, 50), per_hour=random.uniform(0.01, 0.3), target=target)
                for target in ["m4", "c5"][: random.randint(1, 2)]
            ],
            functions=functions(*((size, random.uniform(20, 400) / size) for size in (0.5, 1, 2))),
            memory_gb=random.choice([0, 0.7]),
        )
        for number in range(random.randint(1, 3))
    ]
    rates = [random.choice([0, 1, 1, 1, 4]) * random.uniform(5, 40) for _ in range(random.randint(1, 9))]
    bounds = {
        "min_accuracy": random.uniform(0.6, 0.95),
        "max_latency_ms": random.uniform(50, 1000),
        "max_cost_per_hour": random.uniform(0.1, 3),
    }
    for name in random.sample(sorted(bounds), random.choice([0, 1, 1, 1])):
        del bounds[name]
    asked = query(rates, step_s=random.uniform(0.01, 1), strict=random.random() < 0.7, **dict.fromkeys(BOUNDS) | bounds)
    prices = Serverless(per_gb_s=random.uniform(0, 1e-4), per_call=random.uniform(0, 1e-6), start_up_s=0.2)
    return Problem(classes=[asked], variants=variants, serverless=random.choice([prices, prices, None]),
                   cold=random.random() < 0.2)  # fmt: skip


BOUNDS = ("min_accuracy", "max_latency_ms", "max_cost_per_hour")


def optimised(asked: QueryClass, choice: Choice) -> float:
    if asked.max_latency_ms is None:
        return choice.latency_ms
    return choice.accuracy if asked.min_accuracy is None else choice.cost_per_hour


def test_each_choice_is_the_best_of_all_there_is() -> None:
    random = Random(11)  # noqa: S311
    infeasible = mixed = waiting = 0
    for _ in range(INSTANCES):
        one = random_problem(random)
        (asked,) = one.classes
        best = best_by_enumeration(one, asked)
        if best is None:
            with pytest.raises(Infeasible, match="relax one of its bounds"):
                solve(one)
            infeasible += 1
            continue
        (choice,) = solve(one).choices
        assert optimised(asked, choice) == pytest.approx(best, rel=1e-7, abs=1e-9)
        mixed += choice.function is not None
        waiting += not asked.strict and choice.latency_ms > choice.vm.latency_ms
    assert min(infeasible, mixed, waiting) > 20


@pytest.mark.parametrize(
    ("bounds", "variant", "latency_ms", "cost_per_hour"),
    [
        ({"min_accuracy": 0.7, "max_latency_ms": 300}, "small", 50, 0.1),
        ({"min_accuracy": 0.9, "max_latency_ms": 300}, "large", 200, 0.5),
        ({"min_accuracy": 0.7, "max_cost_per_hour": 1}, "small", 50, 0.1),
        ({"max_latency_ms": 300, "max_cost_per_hour": 1}, "large", 200, 0.5),
        ({"max_latency_ms": 300, "max_cost_per_hour": 0.3}, "small", 50, 0.1),
        ({"min_accuracy": 0.7, "max_latency_ms": 300, "max_cost_per_hour": 1}, "small", 50, 0.1),
    ],
)
def test_any_two_of_accuracy_latency_and_cost_bind_the_third(
    bounds: dict[str, float], variant: str, latency_ms: float, cost_per_hour: float
) -> None:
    choice = chosen(query([100.0], **dict.fromkeys(BOUNDS) | bounds))
    assert (choice.variant, choice.latency_ms) == (variant, latency_ms)
    assert choice.cost_per_hour == pytest.approx(cost_per_hour)


def test_a_steady_load_runs_on_vms_alone() -> None:
    choice = chosen(query([100, 110, 149, 100, 100]))
    assert (choice.vms, choice.function, choice.overflow_rps) == (2, None, 0)
    assert choice.peak_to_median == pytest.approx(1.49)


def test_what_overflows_in_short_peaks_of_a_strict_class_goes_to_functions() -> None:
    choice = chosen(query(BURSTS))
    assert choice.vms == 1
    assert choice.overflow_rps == pytest.approx(0.05 * 300)
    assert choice.vm_rps == pytest.approx(100)
    assert choice.cost_per_hour < 0.4


def test_functions_that_cost_more_than_vms_are_not_used() -> None:
    dear = PRICES.model_copy(update={"per_gb_s": 1e-3})
    choice = chosen(query(BURSTS), serverless=dear)
    assert (choice.vms, choice.function) == (4, None)


def test_a_relaxed_class_never_uses_functions_and_waits_within_its_bound() -> None:
    free = Serverless(per_gb_s=0, per_call=0)
    for max_latency_ms, vms in ((60, 4), (2_000, 3), (20_000, 2)):
        choice = chosen(query(BURSTS, strict=False, max_latency_ms=max_latency_ms), serverless=free)
        assert (choice.vms, choice.function) == (vms, None)
        assert choice.latency_ms <= max_latency_ms
    # Five samples of 1 s with 200 requests/s too many, while 200 are served each second.
    assert choice.latency_ms == pytest.approx(50 + 5_000)


def test_the_memory_of_functions_is_the_cheapest_that_answers_in_time() -> None:
    for max_latency_ms, memory_gb in ((100, 0.5), (80, 2)):
        choice = chosen(query(BURSTS, max_latency_ms=max_latency_ms))
        assert choice.function is not None
        assert choice.function.memory_gb == memory_gb


def test_functions_too_small_for_the_model_are_not_used() -> None:
    needy = SMALL.model_copy(update={"memory_gb": 0.6})
    choice = chosen(query(BURSTS), variants=[needy])
    assert choice.function is not None
    assert choice.function.memory_gb == 2


def test_cold_functions_count_their_start_up() -> None:
    assert chosen(query(BURSTS), cold=True).function is None
    assert chosen(query(BURSTS, max_latency_ms=2_500), cold=True).function is not None


def test_no_load_takes_no_vms() -> None:
    plan = solve(problem(query([0.0, 0.0])))
    assert plan.objective == 0
    assert plan.deployments == []


@pytest.mark.parametrize("strict", [True, False])
def test_the_smallest_load_takes_a_vm(strict: bool) -> None:
    choice = chosen(query([1e-8], strict=strict))
    assert (choice.vms, choice.overflow_rps, choice.cost_per_hour) == (1, 0, 0.1)


def test_a_load_that_rounding_puts_above_full_vms_takes_no_further_one() -> None:
    assert chosen(query([300 * (1 + 1e-12)])).vms == 3


def test_a_plan_sums_the_costs_of_its_classes_and_deploys_their_vms() -> None:
    plan = solve(problem(query([250.0]), query([30.0], name="plates", min_accuracy=0.9, max_latency_ms=500)))
    assert plan.objective == pytest.approx(0.3 + 0.2)
    assert [(one.variant, one.replicas, one.rate_rps) for one in plan.deployments] == [
        ("small", 3, 250),
        ("large", 2, 30),
    ]


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"min_accuracy": 0.96}, "its accuracy must be at least 0.96, and the best option has 0.95 .large"),
        ({"min_accuracy": 0.9}, "at most 100 ms, and the best option with the bounds on accuracy kept has 200 ms"),
        (
            {"max_cost_per_hour": 0.05},
            "at most 0.05 an hour, .* on accuracy and latency kept has 0.1 an hour .small on 1",
        ),
    ],
)
def test_the_bound_that_binds_is_named(bounds: dict[str, float], said: str) -> None:
    with pytest.raises(Infeasible, match=f"class faces: .*{said}"):
        solve(problem(query([100.0], **bounds)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_latency_ms": None}, "class faces bounds min_accuracy: bound two of"),
        ({"rates_rps": []}, "at least 1 item"),
        ({"rates_rps": [3, -1]}, r"rates_rps\.1\s+Input should be greater than or equal to 0"),
        ({"task": "bees"}, "class faces is of the task 'bees': choices are digits"),
    ],
)
def test_a_class_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        problem(query([1.0]).model_copy(), classes=[{**query([1.0]).model_dump(), **changes}])


def test_names_are_given_once_and_a_counted_start_up_is_known() -> None:
    with pytest.raises(ValidationError, match="classes named twice: faces"):
        problem(query([1.0]), query([1.0]))
    with pytest.raises(ValidationError, match="cold=True counts the functions' start-up, which is unknown"):
        problem(query([1.0]), serverless=Serverless(per_gb_s=1, per_call=1), cold=True)


def test_two_levels_have_the_median_and_the_peak_that_were_asked_for() -> None:
    load = Load(two_levels(100, 400, peak_share=0.2), step_s=1)
    assert (load.median_rps, load.peak_rps, load.peak_to_median) == (100, 400, 4)
    assert load.mean_rps == pytest.approx(160)
    with pytest.raises(BadInputError, match=r"peak_share=0\.5 of 100 samples"):
        two_levels(1, 2, peak_share=0.5)
    with pytest.raises(BadInputError, match="a median of 3 and a peak of 2"):
        two_levels(3, 2)
