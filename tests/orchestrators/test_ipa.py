"""IPA against the enumeration of every choice of variants and batches."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from made_tasks import TARGET

from orchestrators import Infeasible
from orchestrators.ipa import Problem, Stage, Variant, from_repository, solve
from porting.repository import Repository

FORMS = ("sum", "mean", "product")


def random_problem(seed: int, form: str) -> Problem:
    generator = np.random.default_rng(seed)

    def variant(name: str) -> Variant:
        per_image_ms, batches = generator.uniform(1, 40), (1, 2, 4)
        latency_ms = {batch: 2 + per_image_ms * batch for batch in batches}
        return Variant(
            name=name, accuracy=generator.uniform(0.5, 1), cores=float(generator.integers(1, 5)),
            latency_ms=latency_ms, throughput_rps={batch: 1e3 * batch / latency_ms[batch] for batch in batches},
        )  # fmt: skip

    stages = [
        Stage(name=f"stage{place}", variants=[variant(f"v{one}") for one in range(generator.integers(1, 4))])
        for place in range(generator.integers(1, 4))
    ]
    weights = {"alpha": generator.uniform(0, 20), "beta": generator.uniform(0, 1), "delta": generator.uniform(0, 0.1)}
    return Problem(
        stages=stages, demand_rps=generator.uniform(1, 100), deadline_ms=generator.uniform(10, 300), accuracy=form,
        **weights,
    )  # fmt: skip


def objectives(problem: Problem) -> Iterator[float]:
    """Of every choice that is in time, straight from the formulation."""
    every = [[(one, batch) for one in stage.variants for batch in one.latency_ms] for stage in problem.stages]
    for chosen in itertools.product(*every):
        waited_ms = sum(one.latency_ms[batch] + 1e3 * (batch - 1) / problem.demand_rps for one, batch in chosen)
        if waited_ms > problem.deadline_ms:
            continue
        cores = sum(one.cores * math.ceil(problem.demand_rps / one.throughput_rps[batch]) for one, batch in chosen)
        accuracies = [one.accuracy for one, _ in chosen]
        combined = {"sum": sum(accuracies), "mean": sum(accuracies) / len(accuracies), "product": math.prod(accuracies)}
        batches = sum(batch for _, batch in chosen)
        yield problem.alpha * combined[problem.accuracy] - problem.beta * cores - problem.delta * batches


@pytest.mark.parametrize("form", FORMS)
def test_no_other_choice_in_time_is_better(form: str) -> None:
    feasible = 0
    for seed in range(100):
        problem = random_problem(seed, form)
        best = max(objectives(problem), default=None)
        if best is None:
            with pytest.raises(Infeasible, match="a longer deadline"):
                solve(problem)
        else:
            feasible += 1
            assert solve(problem).objective == pytest.approx(best, abs=1e-6)
    assert 20 < feasible < 100


def test_a_plan_carries_the_demand_within_the_deadline() -> None:
    problem = random_problem(3, "sum").model_copy(update={"deadline_ms": 1e4})
    plan = solve(problem)
    assert plan.latency_ms <= problem.deadline_ms
    for stage in problem.stages:
        chosen = next(one for one in stage.variants if one.name == plan.variant[stage.name])
        rate = plan.replicas[stage.name] * chosen.throughput_rps[plan.batch[stage.name]]
        assert rate >= problem.demand_rps
    assert [one.task for one in plan.deployments] == [stage.name for stage in problem.stages]


def test_a_pipeline_of_published_tasks_is_planned_from_metadata_alone(tasks: Repository) -> None:
    problem = from_repository(tasks, tasks=["digits", "bees"], target=TARGET, demand_rps=20)
    assert [stage.name for stage in problem.stages] == ["digits", "bees"]
    assert solve(problem).accuracy > 1.5


def test_a_stage_named_twice_is_refused(tasks: Repository) -> None:
    with pytest.raises(ValueError, match="stages: digits is there more than once"):
        from_repository(tasks, tasks=["digits", "digits"], target=TARGET, demand_rps=20)
