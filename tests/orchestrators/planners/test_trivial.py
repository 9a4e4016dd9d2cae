"""The trivial policy's plan, made-up and from the metadata."""

from functools import partial
from itertools import product
from pathlib import Path
from typing import TypedDict

import pytest
from made_tasks import TARGET, own_ms, reached, repository
from numpy.random import default_rng

from orchestrators import Infeasible
from orchestrators.planners.trivial import Problem, Task, Version, allocation, chain, from_repository, solve
from porting.repository import Repository
from profiler.common.errors import BadInputError
from profiler.records.complexity import Complexity


def a_problem(seed: int) -> Problem:
    """Two or three tasks of up to four versions, with a limit that some allocation or other meets."""
    dice = default_rng(seed)
    tasks = [
        Task(
            name=name,
            versions=tuple(
                Version(name=str(one), accuracy=dice.uniform(0.3, 1), images_per_s=10 ** dice.uniform(0, 3))
                for one in range(dice.integers(1, 5))
            ),
            demand_rps=10 ** dice.uniform(-1, 2),
        )
        for name in "abc"[: dice.integers(2, 4)]
    ]
    limits = [one.expected_cpu_share for one in chain(Problem(tasks=tuple(tasks))) if one.expected_cpu_share < 1]
    return Problem(tasks=tuple(tasks), cpu_limit=float(dice.choice(limits or [1.0])), literal=bool(dice.random() < 0.5))


def possible(problem: Problem) -> list[tuple[float, float]]:
    """Accuracy and expected CPU use of every allocation there is."""
    choices = [[(task.name, one.name) for one in task.versions] for task in problem.tasks]
    found = (allocation(problem, dict(chosen)) for chosen in product(*choices))
    return [(one.accuracy, one.expected_cpu_share) for one in found]


def test_a_plan_is_the_most_accurate_allocation_of_the_chain_within_the_limit() -> None:
    solved = 0
    for seed in range(200):
        problem = a_problem(seed)
        fitting = [one for one in chain(problem) if one.expected_cpu_share <= problem.cpu_limit]
        if not fitting:
            with pytest.raises(Infeasible):
                solve(problem)
            continue
        plan, best = solve(problem), max(fitting, key=lambda one: one.accuracy)
        assert plan.versions == best.versions
        assert plan.objective == best.accuracy
        assert chain(problem)[plan.step] == best
        solved += 1
    assert solved > 100


def test_no_allocation_within_the_limit_beats_the_hull_above_the_plan() -> None:
    """What the chain gives away is less than one step between hulls."""
    for seed in range(200):
        problem = a_problem(seed).model_copy(update={"literal": False})
        try:
            plan = solve(problem)
        except Infeasible:
            continue
        best = max(accuracy for accuracy, share in possible(problem) if share <= problem.cpu_limit)
        found = [(one.expected_cpu_share, one.accuracy) for one in chain(problem)]
        bounds = [
            low + (problem.cpu_limit - less) / (more - less) * (high - low)
            for (more, high), (less, low) in product(found, found)
            if less <= problem.cpu_limit < more
        ]
        assert plan.objective <= best + 1e-12
        assert best <= max([*bounds, plan.objective]) + 1e-12


def test_infeasible_demand_is_refused_with_what_it_needs() -> None:
    task = Task(name="a", versions=(Version(name="one", accuracy=0.9, images_per_s=10),), demand_rps=8)
    with pytest.raises(Infeasible, match=r"8 requests/s of a need at least 80.0% of 2 cores, 65.0% are allowed"):
        solve(Problem(tasks=(task,), cores=2))


def test_without_demand_the_most_accurate_versions_stand_by() -> None:
    versions = [Version(name=name, accuracy=0.9, images_per_s=10) for name in ("one", "two")]
    plan = solve(Problem(tasks=(Task(name="a", versions=tuple(versions), demand_rps=0),)))
    assert (plan.versions, plan.expected_cpu_share, plan.objective) == ({"a": "one"}, 0, 1)


def test_the_limit_is_one_of_cpu_whatever_orders_the_chain() -> None:
    versions = [
        Version(name="large", accuracy=0.9, images_per_s=10, flops=9e9),
        Version(name="slow", accuracy=0.8, images_per_s=5, flops=5e9),
        Version(name="small", accuracy=0.7, images_per_s=40, flops=1e9),
    ]
    plan = solve(Problem(tasks=(Task(name="a", versions=tuple(versions), demand_rps=8),), metric="flops"))
    assert plan.versions == {"a": "small"}
    assert plan.cpu_share == {"a": pytest.approx(0.2)}


class Changes(TypedDict, total=False):
    """Other arguments of `from_repository`."""

    task: str | list[str]
    demand_rps: float | dict[str, float]
    max_metric: dict[str, float]
    batch: int


DEMAND = {"digits": 30.0, "cifar10": 10.0, "bees": 0.0}


def test_a_plan_for_the_tasks_of_a_repository(tasks: Repository) -> None:
    plan = solve(from_repository(tasks, task=list(DEMAND), target=TARGET, demand_rps=DEMAND))
    assert plan.versions == {
        "digits": "digits-middle-0000000b", "cifar10": "cifar10-middle-0000001b", "bees": "bees-large-0000002a",
    }  # fmt: skip
    assert plan.accuracy["digits"] == pytest.approx(0.92 / 0.96)
    assert plan.expected_cpu_share == pytest.approx(30 / reached(240, 1, 1) + 10 / reached(120, 1, 1))
    assert plan.objective == pytest.approx((30 * 0.92 / 0.96 + 10 * 0.9 / 0.94) / 40)
    deployed = {one.task: (one.variant, one.rate_rps, one.cores, one.replicas) for one in plan.deployments}
    assert deployed["digits"] == ("digits-middle-0000000b", 30.0, 1.0, 1)
    assert deployed["bees"] == ("bees-large-0000002a", 0.0, 1.0, 1)


def test_metrics_are_read_as_they_were_measured(tasks: Repository) -> None:
    read = partial(from_repository, tasks, task="digits", target=TARGET, demand_rps=3.0)
    (by_rate,) = read().tasks
    (by_latency,) = read(metric="latency").tasks
    (by_flops,) = read(metric="flops", batch=16).tasks
    assert [one.images_per_s for one in by_rate.versions] == pytest.approx([reached(r, 1, 1) for r in (60, 240, 900)])
    assert [one.latency_ms for one in by_latency.versions] == pytest.approx([own_ms(r, 1, 1) for r in (60, 240, 900)])
    assert [one.flops for one in by_flops.versions] == [10, 10, 10]
    assert by_flops.versions[0].images_per_s == pytest.approx(reached(60, 16, 1))
    assert by_rate.demand_rps == 3


def test_the_maximal_metric_policy_on_a_repository(tasks: Repository) -> None:
    highest = {"digits": 1 / 100}
    problem = from_repository(tasks, task="digits", target=TARGET, demand_rps=0.1, max_metric=highest)
    assert solve(problem).versions == {"digits": "digits-middle-0000000b"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "mnist"}, "unknown task 'mnist': choices are bees, cifar10, digits"),
        ({"task": []}, "no task: choices are bees, cifar10, digits"),
        (
            {"task": ["digits", "bees"], "demand_rps": {"digits": 1}},
            "bees is not one of digits, bees, or has no demand",
        ),
        ({"max_metric": {"mnist": 1}}, "mnist is not one of digits"),
        ({"batch": 32}, "batch=32 is outside of what was measured, 1, 2, 4, 8, 16"),
    ],
)
def test_what_the_repository_does_not_have_is_refused(tasks: Repository, changes: Changes, message: str) -> None:
    read = partial(from_repository, tasks, task="digits", target=TARGET, demand_rps=3.0)
    with pytest.raises(BadInputError, match=message):
        read(**changes)


def test_a_graph_that_does_not_tell_its_flops_cannot_be_planned_by_them(tmp_path: Path) -> None:
    unknown = Complexity(parameters=9, macs=None, flops=None, file_bytes=9, reasons={"macs": "a", "flops": "a"})
    made = repository(tmp_path, complexity=unknown)
    with pytest.raises(BadInputError, match="digits-large-0000000a has unknown FLOPs"):
        from_repository(made, task="digits", target=TARGET, demand_rps=1, metric="flops")
