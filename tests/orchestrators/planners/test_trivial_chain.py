"""The trivial policy's allocation chain."""

from collections.abc import Sequence
from itertools import pairwise, product

import pytest
from numpy.random import default_rng
from pydantic import ValidationError

from orchestrators import Infeasible
from orchestrators.planners.trivial import Allocation, Problem, Task, Version, allocation, chain
from profiler.common.errors import BadInputError

SEEDS = range(150)


def task(name: str, demand_rps: float, *figures: tuple[float, float], max_metric: float | None = None) -> Task:
    """Versions `name1`, `name2` ... of these accuracies and seconds a request."""
    versions = [
        Version(name=f"{name}{place}", accuracy=accuracy, images_per_s=1 / seconds)
        for place, (accuracy, seconds) in enumerate(figures, start=1)
    ]
    return Task(name=name, versions=tuple(versions), demand_rps=demand_rps, max_metric=max_metric)


def names(found: Sequence[Allocation]) -> list[str]:
    return [" ".join(one.versions.values()) for one in found]


def a_problem(seed: int, **changes: object) -> Problem:
    """Two or three tasks of up to four versions anywhere; every seventh demand is 0."""
    dice = default_rng(seed)
    tasks = [
        task(
            name,
            0.0 if dice.random() < 1 / 7 else 10 ** dice.uniform(-1, 3),
            *((dice.uniform(0.3, 1), 10 ** dice.uniform(-3, 0)) for _ in range(dice.integers(1, 5))),
        )
        for name in "abc"[: dice.integers(2, 4)]
    ]
    return Problem.model_validate({"tasks": tasks, **changes})


def concave(seed: int, demand_rps: float, **changes: object) -> Problem:
    """Three tasks of this demand whose steps down lose more accuracy per second the further down they are."""
    dice, tasks = default_rng(seed), []
    for name in "abc":
        steps = [(dice.uniform(0.1, 1), dice.uniform(0, 1)) for _ in range(dice.integers(1, 5))]
        accuracy, seconds, figures = 1.0, 2.0, [(1.0, 2.0)]
        scale = (
            dice.uniform(0.3, 0.9) / sum(saved * lost for saved, lost in steps),
            1.9 / sum(saved for saved, _ in steps),
        )
        for saved, slope in sorted(steps, key=lambda step: step[1]):
            accuracy, seconds = accuracy - saved * slope * scale[0], seconds - saved * scale[1]
            figures.append((accuracy, seconds))
        tasks.append(task(name, demand_rps, *figures))
    return Problem.model_validate({"tasks": tasks, **changes})


@pytest.mark.parametrize("literal", [False, True])
def test_it_starts_with_the_most_accurate_and_every_step_needs_less(literal: bool) -> None:
    for seed in SEEDS:
        problem = a_problem(seed, literal=literal)
        found = chain(problem)
        most = {one.name: max(one.versions, key=lambda version: version.accuracy).name for one in problem.tasks}
        assert found[0].versions == most
        for one, other in pairwise(found):
            assert other.metric < one.metric
            assert other.accuracy < one.accuracy
            assert sum(one.versions[name] != other.versions[name] for name in one.versions) == 1


def test_it_ends_with_the_cheapest_version_of_every_task_that_has_demand() -> None:
    for seed in SEEDS:
        problem = a_problem(seed)
        last = chain(problem)[-1]
        assert problem.tasks
        for one in problem.tasks:
            chosen = next(version for version in one.versions if version.name == last.versions[one.name])
            if one.demand_rps:
                assert chosen.images_per_s == max(version.images_per_s for version in one.versions)
            else:
                assert chosen.accuracy == one.best_accuracy


def test_the_task_that_loses_least_accuracy_per_metric_saved_steps_down_first() -> None:
    problem = Problem(
        tasks=(task("a", 1, (1.0, 0.5), (0.9, 0.4), (0.5, 0.3)), task("b", 1, (1.0, 0.5), (0.8, 0.4), (0.6, 0.1)))
    )
    for literal in (False, True):
        found = chain(problem.model_copy(update={"literal": literal}))
        # Accuracy lost per second saved: a 1, then 4; b 2 and then .67, of both steps together 1.
        assert names(found) == ["a1 b1", "a2 b1", "a2 b2", "a2 b3", "a3 b3"]


def test_of_two_tasks_with_equal_losses_per_second_the_one_that_saves_more_at_its_demand_steps_down_first() -> None:
    rare, frequent = task("a", 1, (1.0, 1.0), (0.5, 0.5)), task("b", 4, (1.0, 0.5), (0.75, 0.25))
    assert names(chain(Problem(tasks=(rare, frequent)))) == ["a1 b1", "a1 b2", "a2 b2"]


def test_accuracy_is_normalised_to_the_best_of_its_task() -> None:
    found = chain(Problem(tasks=(task("a", 1, (0.5, 0.2), (0.4, 0.1)), task("b", 3, (0.8, 0.2), (0.2, 0.1)))))
    assert found[0].accuracy == pytest.approx(1)
    assert found[1].versions == {"a": "a2", "b": "b1"}
    assert found[1].accuracy == pytest.approx((1 * 0.8 + 3 * 1) / 4)
    assert found[1].metric == found[1].expected_cpu_share
    assert found[1].metric == pytest.approx(1 * 0.1 + 3 * 0.2)


def test_literally_a_busy_task_gives_way_first_however_many_it_serves_badly() -> None:
    tasks = [task("busy", 2000, (1.0, 2e-4), (0.6, 1e-4)), task("idle", 1, (1.0, 2e-4), (0.9, 1e-4))]
    assert names(chain(Problem(tasks=tuple(tasks), literal=True)))[1] == "busy2 idle1"
    assert names(chain(Problem(tasks=tuple(tasks))))[1] == "busy1 idle2"


def test_with_equal_demands_on_concave_fronts_both_forms_are_one() -> None:
    for seed in SEEDS:
        literal, weighted = (chain(concave(seed, 7.0, literal=literal)) for literal in (True, False))
        assert names(literal) == names(weighted)
        assert [one.accuracy for one in literal] == pytest.approx([one.accuracy for one in weighted])


def test_a_version_that_gains_little_does_not_hide_a_good_one_below_it() -> None:
    tasks = [task("a", 1, (1.0, 0.9), (0.8, 0.85), (0.79, 0.1)), task("b", 1, (1.0, 0.9), (0.7, 0.1))]
    # One step of a loses 4 a second saved, both together .26; that of b .375.
    assert names(chain(Problem(tasks=tuple(tasks)))) == ["a1 b1", "a2 b1", "a3 b1", "a3 b2"]
    assert names(chain(Problem(tasks=tuple(tasks), literal=True))) == ["a1 b1", "a1 b2", "a2 b2", "a3 b2"]


def on_hull(versions: Sequence[Version], name: str) -> bool:
    """Whether no chord between two other versions passes above it, and nothing as cheap is more accurate."""
    points = [(1 / one.images_per_s, one.accuracy) for one in versions]
    here = next((1 / one.images_per_s, one.accuracy) for one in versions if one.name == name)
    for (cheap, low), (dear, high) in product(points, points):
        if cheap < here[0] < dear and low + (here[0] - cheap) / (dear - cheap) * (high - low) > here[1]:
            return False
    return not any(cost <= here[0] and accuracy > here[1] for cost, accuracy in points)


def everything(problem: Problem) -> list[Allocation]:
    choices = [[(one.name, version.name) for version in one.versions] for one in problem.tasks]
    return [allocation(problem, dict(chosen)) for chosen in product(*choices)]


def test_no_allocation_beats_one_whose_versions_lie_on_the_hulls() -> None:
    checked = 0
    for seed in SEEDS:
        problem = a_problem(seed)
        possible = everything(problem)
        for one in chain(problem):
            if all(on_hull(each.versions, one.versions[each.name]) for each in problem.tasks if each.demand_rps):
                best = max(other.accuracy for other in possible if other.metric <= one.metric * (1 + 1e-12))
                assert one.accuracy == pytest.approx(best)
                checked += 1
    assert checked > 2 * len(SEEDS)


def test_the_allocations_between_lie_on_the_way_from_one_hull_to_the_next_in_one_task() -> None:
    for seed in SEEDS:
        problem = a_problem(seed)
        off: set[str] = set()
        found = chain(problem)
        assert found
        for one in found:
            before = off
            off = {each.name for each in problem.tasks if not on_hull(each.versions, one.versions[each.name])}
            off -= {each.name for each in problem.tasks if not each.demand_rps}
            assert len(off) <= 1
            assert not (before and off) or before == off


def test_of_equal_slopes_the_larger_step_comes_first_then_the_task_given_first() -> None:
    larger = [task("a", 1, (1.0, 0.5), (0.875, 0.375)), task("b", 1, (1.0, 0.5), (0.75, 0.25))]
    assert names(chain(Problem(tasks=tuple(larger))))[1] == "a1 b2"
    equal = [task(name, 1, (1.0, 0.5), (0.75, 0.25)) for name in "ba"]
    assert names(chain(Problem(tasks=tuple(equal))))[1] == "b2 a1"


def test_versions_that_cost_no_less_than_a_more_accurate_one_are_left_out() -> None:
    problem = Problem(tasks=(task("a", 1, (0.9, 0.2), (0.8, 0.3), (0.9, 0.4), (0.7, 0.2), (0.5, 0.1)),))
    assert names(chain(problem)) == ["a1", "a5"]


def test_a_task_of_one_version_has_nowhere_to_go() -> None:
    assert names(chain(Problem(tasks=(task("a", 5, (0.9, 0.2)),)))) == ["a1"]
    both = Problem(tasks=(task("a", 5, (0.9, 0.2)), task("b", 1, (0.9, 0.2), (0.8, 0.1))))
    assert names(chain(both)) == ["a1 b1", "a1 b2"]


def test_without_demand_nothing_is_saved_by_less() -> None:
    (only,) = chain(Problem(tasks=(task("a", 0, (0.9, 0.2), (0.8, 0.1)), task("b", 0, (0.9, 0.2)))))
    assert (only.versions, only.metric, only.accuracy) == ({"a": "a1", "b": "b1"}, 0, 1)


def test_flops_and_latency_order_the_chain_as_well() -> None:
    versions = [
        Version(name="large", accuracy=0.9, images_per_s=10, latency_ms=50, flops=9e9),
        Version(name="odd", accuracy=0.8, images_per_s=5, latency_ms=60, flops=5e9),
        Version(name="small", accuracy=0.7, images_per_s=40, latency_ms=20, flops=1e9),
    ]
    tasks = [Task(name="a", versions=tuple(versions), demand_rps=2)]
    by_flops, by_latency = (
        chain(Problem(tasks=tuple(tasks), metric="flops")),
        chain(Problem(tasks=tuple(tasks), metric="latency")),
    )
    assert names(by_flops) == ["large", "odd", "small"]
    assert [one.metric for one in by_flops] == [18e9, 10e9, 2e9]
    assert names(by_latency) == ["large", "small"]
    assert [one.metric for one in by_latency] == [0.1, 0.04]
    assert [one.expected_cpu_share for one in by_latency] == [0.2, 0.05]


def test_only_versions_below_the_maximal_metric_are_considered_and_the_best_still_normalises() -> None:
    figures = (0.9, 1.0), (0.8, 0.5), (0.6, 0.05)
    found = chain(Problem(tasks=(task("a", 1, *figures, max_metric=1.0),)))
    assert names(found) == ["a2", "a3"]
    assert found[0].accuracy == pytest.approx(0.8 / 0.9)
    with pytest.raises(
        Infeasible, match=r"no version of a is below max_metric=0.05 s a request: the least is 0.05 of a3"
    ):
        chain(Problem(tasks=(task("a", 1, *figures, max_metric=0.05),)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": []}, "at least 1 item"),
        ({"tasks": [task("a", 1, (0.9, 0.2)), task("a", 1, (0.9, 0.2))]}, "tasks named twice: a; give each a name"),
        (
            {"tasks": [task("a", 1, (0.9, 0.2))], "metric": "flops"},
            "version 'a1' has no flops, which metric=flops needs",
        ),
        ({"tasks": [task("a", 1, (0.9, 0.2))], "metric": "watts"}, "'inverse_throughput', 'latency' or 'flops'"),
        ({"tasks": [task("a", 1, (0.9, 0.2))], "cpu_limit": 65}, "less than or equal to 1"),
    ],
)
def test_a_problem_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Problem.model_validate(changes)


def test_a_task_that_makes_no_sense_is_refused() -> None:
    version = Version(name="one", accuracy=0.9, images_per_s=1)
    with pytest.raises(ValidationError, match="versions of task 'a' named twice: one"):
        Task(name="a", versions=(version, version), demand_rps=1)
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Task(name="a", versions=(version,), demand_rps=-1)
    with pytest.raises(ValidationError, match="no version of task 'a' has an accuracy above 0"):
        Task(name="a", versions=(Version(name="one", accuracy=0, images_per_s=1),), demand_rps=1)


def test_an_allocation_of_unknown_versions_is_refused_with_the_choices() -> None:
    problem = Problem(tasks=(task("a", 1, (0.9, 0.2), (0.8, 0.1)),))
    with pytest.raises(BadInputError, match="version 'a7' of task 'a': choices are a1, a2"):
        allocation(problem, {"a": "a7"})
    with pytest.raises(BadInputError, match="version None of task 'a': choices are a1, a2"):
        allocation(problem, {})
    with pytest.raises(BadInputError, match="unknown task b: choices are a"):
        allocation(problem, {"a": "a1", "b": "b1"})
