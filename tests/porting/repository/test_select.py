"""Choosing a variant: the best that meets every condition, or what to relax and by how much."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from made_repository import MIDDLE, QUICK, SLOW, repository
from unfinished import unfinished

from porting.repository import Repository
from porting.repository.figures import compared_by
from porting.repository.operating_points import Condition, OperatingPoint, condition
from porting.repository.schema import Figure, Published
from porting.repository.select import Selection, rank, select
from profiler.common.errors import BadInputError
from profiler.common.target import Resources


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return repository(tmp_path_factory.mktemp("select"))


def chosen(published: Repository, *texts: str, objective: str = "accuracy") -> Selection:
    return select(published, [condition(text) for text in texts], objective)


def test_without_conditions_the_most_accurate_is_chosen_where_it_is_fastest(published: Repository) -> None:
    found = chosen(published).chosen
    assert found is not None
    assert (found.variant.name, found.batch, found.target) == (SLOW, 16, "local_cpu")
    assert (found.resources.instances, found.resources.threads) == (1, 1)


def test_every_condition_holds_of_what_is_chosen(published: Repository) -> None:
    found = chosen(published, "accuracy>=0.85", "p99_ms<=30", "images_per_s>=300").chosen
    assert found is not None
    assert found.variant.name == MIDDLE
    assert found.figures["accuracy"][0] >= 0.85
    assert found.figures["p99_ms"][0] <= 30
    assert found.figures["images_per_s"][0] >= 300


def test_the_batch_is_part_of_the_choice(published: Repository) -> None:
    found = chosen(published, "p50_ms<=11", "accuracy>=0.85", objective="images_per_s").chosen
    assert found is not None
    assert (found.variant.name, found.batch) == (MIDDLE, 4)
    assert found.predicted == {"images_per_s", "relative_throughput"}


def test_an_objective_that_is_better_lower_is_minimised(published: Repository) -> None:
    found = chosen(published, objective="p50_ms").chosen
    assert found is not None
    assert (found.variant.name, found.batch) == (QUICK, 1)


def test_settings_are_conditions_too(published: Repository) -> None:
    found = chosen(published, "batch<=4", "batch>=4").chosen
    assert found is not None
    assert found.batch == 4


def test_the_nearest_misses_say_what_they_lack(published: Repository) -> None:
    misses = chosen(published, "images_per_s>=300").misses
    assert [miss.point.variant.name for miss in misses] == [MIDDLE, SLOW] or misses[0].point.variant.name == QUICK
    lacking = {miss.point.variant.name: miss.lacks for miss in misses}
    assert lacking[SLOW] == ("images_per_s>=300: has 200, 33.3% off",)


def test_where_nothing_fits_the_smallest_change_that_helps_is_told(published: Repository) -> None:
    found = chosen(published, "accuracy>=0.85", "images_per_s>=500")
    assert found.chosen is None
    assert found.relaxed[0].startswith("accuracy>=0.85 to accuracy>=0.8, by 5.9%")
    relaxed = [condition("accuracy>=0.8"), condition("images_per_s>=500")]
    assert select(published, relaxed).chosen is not None


def test_a_relaxed_condition_lets_something_fit_whatever_its_digits(published: Repository) -> None:
    for limit in (0.123456, 1.7, 3.1):
        (text,) = chosen(published, f"p50_ms<={limit / 10}").relaxed
        conversion = condition(text.split(" to ")[1].split(",")[0])
        assert select(published, [conversion]).chosen is not None


def test_the_smallest_float_is_a_limit_too() -> None:
    assert Condition("p50_ms", "<=", 1).relaxed_to(5e-324).startswith("p50_ms<=")


def test_an_unknown_figure_meets_no_condition_and_says_why(published: Repository) -> None:
    found = chosen(published, "joules_per_inference<=1")
    assert found.chosen is None
    assert not found.relaxed
    assert "joules_per_inference<=1: unknown" in found.misses[0].lacks[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p99_ms<20", "is no condition: write NAME>=NUMBER"),
        ("p98_ms<=20", "unknown figure 'p98_ms', choices are accuracy"),
        ("p99_ms<=fast", "'fast' is no number"),
        ("p99_ms<=nan", "'nan' is no number"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        condition(text)


def test_a_condition_is_surely_met_where_the_whole_interval_meets_it() -> None:
    at_least, at_most = Condition("images_per_s", ">=", 95), Condition("p50_ms", "<=", 95)
    assert at_least.surely_met_by((100, 96, 104))
    assert not at_least.surely_met_by((100, 94, 106))
    assert not at_most.surely_met_by((90, 84, 96))
    assert not at_most.surely_met_by((90, None, None))


def test_an_unknown_task_objective_or_target_is_refused(published: Repository) -> None:
    with pytest.raises(BadInputError, match="unknown metric 'speed': choices are accuracy"):
        select(published, [], "speed")
    with pytest.raises(BadInputError, match="unknown task 'letters': choices are digits"):
        select(published, [], task="letters")
    with pytest.raises(BadInputError, match="unknown target 'gpu': choices are local_cpu"):
        select(published, [], target="gpu")


def test_the_command_prints_the_choice_its_reasons_and_how_to_serve_it(
    published: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    from porting.commands.select import run

    run([str(published.storage.local), "accuracy>=0.85", "images_per_s>=300"])
    out = capsys.readouterr().out
    assert f"{MIDDLE} on local_cpu, batch 16" in out
    assert "images_per_s>=300" in out
    assert f"--target local_cpu --variant {MIDDLE}" in out


def test_the_command_fails_with_what_to_relax_where_nothing_fits(published: Repository) -> None:
    from porting.commands.select import run
    from profiler.common.errors import DnnPortingError

    with pytest.raises(DnnPortingError, match=r"relax accuracy>=0\.99 to accuracy>=0\.95"):
        run([str(published.storage.local), "accuracy>=0.99"])


def test_a_repository_is_chosen_from_by_its_folder(tmp_path: Path) -> None:
    from porting.commands.select import run

    with pytest.raises(BadInputError, match="repository"):
        run([str(tmp_path / "nowhere")])


@pytest.mark.parametrize(
    ("sign", "value", "relaxed"),
    [(">=", 0.876599, "accuracy>=0.8765"), ("<=", 12.34501, "accuracy<=12.35"), (">=", 0.0, "accuracy>=0")],
)
def test_a_condition_is_relaxed_to_its_own_side_of_a_value(sign: str, value: float, relaxed: str) -> None:
    assert Condition("accuracy", sign, 1.0).relaxed_to(value) == relaxed


def point(figures: Mapping[str, Figure]) -> OperatingPoint:
    resources = Resources(cores=1, threads=1, instances=1)
    return OperatingPoint(
        variant=unfinished(Published), target="local_cpu", batch=1, resources=resources, figures=figures,
        unknown={}, predicted=frozenset(), verdict="settled", others_share=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("objective", ["images_per_s", "p50_ms"])
def test_an_option_whose_figure_is_unknown_comes_last(objective: str) -> None:
    unknown, known = point({}), point({objective: (1.0, None, None), compared_by(objective): (1.0, None, None)})
    assert rank(unknown, objective) < rank(known, objective)
