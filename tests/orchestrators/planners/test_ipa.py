"""IPA: variant, batch and replicas of every stage of a pipeline."""

import math
import random
from itertools import product
from typing import Any, Literal, get_args

import pytest
from pydantic import ValidationError

from orchestrators import Infeasible
from orchestrators.planners.ipa import Problem, Stage, Variant, solve
from orchestrators.planners.ipa import product as search
from orchestrators.planners.ipa.options import options, undominated

Form = Literal["sum", "mean", "product"]
FORMS: tuple[Form, ...] = get_args(Form)
DETECTORS = [
    Variant(name="nano", accuracy=0.5, cores=1, latency_ms={1: 20, 4: 50}, throughput_rps={1: 50, 4: 80}),
    Variant(name="medium", accuracy=0.8, cores=2, latency_ms={1: 40, 4: 100}, throughput_rps={1: 25, 4: 40}),
]
CLASSIFIERS = [
    Variant(name="resnet18", accuracy=0.7, cores=1, latency_ms={1: 10, 4: 30}, throughput_rps={1: 100, 4: 130}),
    Variant(name="resnet50", accuracy=0.8, cores=1, latency_ms={1: 25, 4: 80}, throughput_rps={1: 40, 4: 50}),
]


def problem(**changes: Any) -> Problem:
    stages = [Stage(name="detect", variants=DETECTORS), Stage(name="classify", variants=CLASSIFIERS)]
    values = {"stages": stages, "demand_rps": 60, "deadline_ms": 500, "alpha": 2, "beta": 0.01, "delta": 1e-6}
    return Problem.model_validate(values | changes)


def random_problem(draw: random.Random) -> Problem:
    """Up to four stages, with variants of equal accuracy, batches that some lack, and deadlines that bind."""

    def variant(name: str) -> Variant:
        base_ms, batches = draw.uniform(1, 20), draw.sample((1, 2, 4, 8), draw.randint(1, 3))
        latency_ms = {batch: base_ms * (1 + batch) / 2 for batch in batches}
        rates = {batch: 1e3 * batch / latency * draw.uniform(0.7, 1) for batch, latency in latency_ms.items()}
        accuracy, cores = draw.choice((0, 0.5, 1, draw.random())), draw.choice((0.5, 1, 2, 4))
        return Variant(name=name, accuracy=accuracy, cores=cores, latency_ms=latency_ms, throughput_rps=rates)

    stages = [
        Stage(name=f"s{number}", variants=[variant(f"v{other}") for other in range(draw.randint(1, 3))])
        for number in range(draw.randint(1, 4))
    ]
    return Problem(
        stages=stages,
        demand_rps=draw.choice((0, 5, 50, draw.uniform(1, 300))),
        deadline_ms=draw.choice((1e4, draw.uniform(2, 300))),
        accuracy=draw.choice(FORMS),
        alpha=draw.choice((0, 1, 2, draw.uniform(0, 50))),
        beta=draw.choice((0, 0.05, 1, draw.random())),
        delta=draw.choice((0, 1e-6, 0.01)),
        literal=draw.random() < 0.2,
    )


def waiting_ms(given: Problem, stage: Stage, batch: int) -> float:
    """By the definitions: that of the chosen batch, or the published code's constant."""
    if given.demand_rps == 0:
        return 0.0 if batch == 1 else math.inf
    if given.literal:
        batches = {size for other in given.stages for one in other.variants for size in one.latency_ms}
        return 1e3 * sum(-1 for _ in stage.variants for _ in batches - {batch}) / given.demand_rps
    return 1e3 * (batch - 1) / given.demand_rps


def enumerated(given: Problem) -> tuple[float, float] | None:
    """The highest objective of all choices that are in time, and the shortest time that it takes."""
    offered = [[(one, batch) for one in stage.variants for batch in one.latency_ms] for stage in given.stages]
    possible = []
    for chosen in product(*offered):
        time_ms = sum(
            one.latency_ms[batch] + waiting_ms(given, stage, batch)
            for stage, (one, batch) in zip(given.stages, chosen, strict=True)
        )
        accuracies = [one.accuracy for one, _ in chosen]
        accuracy = {
            "sum": sum(accuracies), "mean": sum(accuracies) / len(chosen), "product": math.prod(accuracies)
        }[given.accuracy]  # fmt: skip
        cores = sum(max(1, math.ceil(given.demand_rps / one.throughput_rps[b] - 1e-9)) * one.cores for one, b in chosen)
        cost = given.beta * cores + given.delta * sum(batch for _, batch in chosen)
        if time_ms <= given.deadline_ms:
            possible.append((given.alpha * accuracy - cost, time_ms))
    if not possible:
        return None
    highest = max(possible)[0]
    return highest, min(time_ms for reached, time_ms in possible if reached >= highest - 1e-9)


def test_every_stage_has_a_variant_a_batch_and_the_replicas_that_carry_the_demand() -> None:
    plan = solve(problem())
    assert plan.variant == {"detect": "medium", "classify": "resnet50"}
    # 60 requests/s: two replicas at 40/s of two cores each rather than three at 25/s, and two at 40/s of one core.
    assert plan.batch == {"detect": 4, "classify": 1}
    assert plan.replicas == {"detect": 2, "classify": 2}
    assert (plan.accuracy, plan.resource_cost, plan.batch_cost) == pytest.approx((1.6, 6, 5))
    assert plan.objective == pytest.approx(2 * 1.6 - 0.01 * 6 - 1e-6 * 5)


def test_a_request_waits_until_the_chosen_batch_is_full() -> None:
    assert solve(problem()).latency_ms == pytest.approx(100 + 3 / 60 * 1e3 + 25)
    # With 50 ms of waiting the batch of four is too late; a third replica takes its place.
    plan = solve(problem(deadline_ms=174))
    assert (plan.batch["detect"], plan.replicas["detect"]) == (1, 3)


def test_the_published_wait_is_a_constant_that_lengthens_the_deadline() -> None:
    plan = solve(problem(deadline_ms=90, literal=True))
    # Two variants and two batches: each stage gains 1/60 s for either variant.
    assert plan.batch["detect"] == 4
    assert plan.latency_ms == pytest.approx(100 + 25 - 2 * 2 / 60 * 1e3)


@pytest.mark.parametrize(("form", "expected"), [("sum", 1.6), ("mean", 0.8), ("product", 0.64)])
def test_the_accuracy_of_a_pipeline_is_the_sum_the_mean_or_the_product(form: Form, expected: float) -> None:
    assert solve(problem(accuracy=form)).accuracy == pytest.approx(expected)


def test_the_product_weighs_a_stage_by_the_accuracy_of_the_others() -> None:
    # The step from 0.7 to 0.8 costs a core: it is worth 0.1 in the sum, but 0.05 after a detector of 0.5.
    stages = [Stage(name="detect", variants=DETECTORS[:1]), Stage(name="classify", variants=CLASSIFIERS)]
    changes = {"stages": stages, "alpha": 1, "beta": 0.07}
    assert solve(problem(accuracy="sum", **changes)).variant["classify"] == "resnet50"
    assert solve(problem(accuracy="product", **changes)).variant["classify"] == "resnet18"


@pytest.mark.parametrize("form", FORMS)
def test_a_short_deadline_is_met_by_quicker_variants(form: Form) -> None:
    plan = solve(problem(accuracy=form, deadline_ms=45))
    assert plan.variant == {"detect": "nano", "classify": "resnet50"}
    assert plan.latency_ms == pytest.approx(45)


@pytest.mark.parametrize("form", FORMS)
def test_equal_plans_are_told_apart_by_the_time_they_take(form: Form) -> None:
    slow = CLASSIFIERS[0].model_copy(update={"name": "a-slow", "latency_ms": {1: 11.0, 4: 31.0}})
    stages = [Stage(name="classify", variants=[slow, CLASSIFIERS[0]])]
    assert solve(problem(stages=stages, accuracy=form, delta=0)).variant == {"classify": "resnet18"}


@pytest.mark.parametrize("form", FORMS)
def test_without_demand_every_stage_has_one_replica_and_no_batch_to_fill(form: Form) -> None:
    plan = solve(problem(accuracy=form, demand_rps=0))
    assert set(plan.replicas.values()) == set(plan.batch.values()) == {1}


def test_a_plan_deploys_the_variant_of_every_stage() -> None:
    plan = solve(problem())
    found = [(one.task, one.variant, one.replicas, one.cores, one.batch, one.rate_rps) for one in plan.deployments]
    assert found == [("detect", "medium", 2, 2, 4, 60), ("classify", "resnet50", 2, 1, 1, 60)]


@pytest.mark.parametrize("form", FORMS)
def test_a_deadline_shorter_than_the_quickest_pipeline_is_infeasible(form: Form) -> None:
    with pytest.raises(Infeasible, match=r"take 30 ms through all stages, and the deadline is 29 ms.*detect.*20 ms"):
        solve(problem(accuracy=form, deadline_ms=29))


def test_without_demand_a_stage_that_knows_larger_batches_only_is_infeasible() -> None:
    only = Variant(name="v", accuracy=0.5, cores=1, latency_ms={4: 9}, throughput_rps={4: 400})
    with pytest.raises(Infeasible, match=r"detect was measured at no batch of 1.*measure batch 1"):
        solve(problem(stages=[Stage(name="detect", variants=[only])], demand_rps=0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": []}, "at least 1 item"),
        ({"stages": [Stage(name="s", variants=DETECTORS)] * 2}, "stages named twice: s"),
        ({"demand_rps": -1}, "greater than or equal to 0"),
        ({"deadline_ms": 0}, "greater than 0"),
        ({"accuracy": "median"}, "'sum', 'mean' or 'product'"),
    ],
)
def test_a_problem_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        problem(**changes)


@pytest.mark.parametrize(
    ("latency_ms", "message"),
    [
        ({1: 5.0}, "v has latencies at batches 1 and throughputs at 1, 2: give both at each"),
        ({1: 5.0, 2: 0.0}, r"latency_ms\.2\s+Input should be greater than 0"),
        ({0: 5.0, 1: 5.0}, "greater than or equal to 1"),
    ],
)
def test_figures_that_make_no_sense_are_refused(latency_ms: dict[int, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Variant(name="v", accuracy=0.5, cores=1, latency_ms=latency_ms, throughput_rps={1: 100, 2: 150})


def test_variants_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="variants of detect named twice: nano"):
        Stage(name="detect", variants=[DETECTORS[0], DETECTORS[0]])


def test_a_search_that_begins_with_a_single_plan_widens_to_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WIDTH", 1)
    monkeypatch.setattr(search, "WIDER", 2)
    draw = random.Random(1)  # noqa: S311
    for _ in range(100):
        given = random_problem(draw).model_copy(update={"accuracy": "product"})
        expected = enumerated(given)
        if expected is not None:
            assert solve(given).objective == pytest.approx(expected[0], abs=1e-7), given


def test_plans_are_those_of_enumeration_on_random_problems() -> None:
    draw, infeasible, forms = random.Random(0), 0, dict.fromkeys(FORMS, 0)  # noqa: S311
    for _ in range(400):
        given = random_problem(draw)
        expected = enumerated(given)
        if expected is None:
            infeasible += 1
            with pytest.raises(Infeasible):
                solve(given)
            continue
        forms[given.accuracy] += 1
        plan = solve(given)
        assert plan.objective == pytest.approx(expected[0], abs=1e-7), given
        assert plan.latency_ms == pytest.approx(expected[1], abs=1e-6), given
    assert infeasible > 50
    assert min(forms.values()) > 50


def test_of_two_options_with_equal_figures_and_times_one_is_kept() -> None:
    twins = [DETECTORS[0], DETECTORS[0].model_copy(update={"name": "twin"})]
    stage = Stage(name="detect", variants=twins)
    offered = options(problem(stages=[stage]), stage)
    kept = undominated(offered, lambda one: (one.accuracy, -one.cost))
    assert [(one.variant.name, one.batch) for one in offered[:2]] == [("nano", 1), ("twin", 1)]
    assert {one.variant.name for one in kept} == {"nano"}


@pytest.mark.parametrize("form", ["sum", "mean"])
@pytest.mark.parametrize("slow", range(3))
def test_of_plans_with_equal_objectives_the_quickest_is_chosen(form: Form, slow: int) -> None:
    """One of three stages has time for its accurate variant, and in one of them that variant is slower."""

    def stage(number: int) -> Stage:
        quick = Variant(name="quick", accuracy=0.5, cores=1, latency_ms={1: 10}, throughput_rps={1: 100})
        accurate_ms = 50 if number == slow else 40
        accurate = Variant(
            name="accurate", accuracy=0.75, cores=1, latency_ms={1: accurate_ms}, throughput_rps={1: 1e3 / accurate_ms}
        )
        return Stage(name=f"s{number}", variants=[quick, accurate])

    given = problem(stages=[stage(number) for number in range(3)], demand_rps=0, deadline_ms=75, accuracy=form)
    plan = solve(given)
    assert sorted(plan.variant.values()) == ["accurate", "quick", "quick"]
    assert plan.latency_ms == 60
