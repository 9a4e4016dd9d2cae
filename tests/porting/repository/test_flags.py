"""Flagged variants: they rank nothing where the accuracy is in doubt, and every table shows the flags."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_repository import MIDDLE, QUICK, SLOW, items, repository

from orchestrators.family import family
from porting.command_line.summary import row
from porting.repository import Repository
from porting.repository.figures import COLLAPSED, ONE_ANSWER, SEEN
from porting.repository.publishing.offers import Offer
from porting.repository.report.by_class import by_class
from porting.repository.report.ranking_table import members, ranking_table
from porting.repository.schema import ByClass, Flags
from profiler.common.errors import BadInputError

TARGET, REASON = "local_cpu", "validation is far above test"
CLASSES = ByClass(
    split="test", n=5, balanced_accuracy=0.5, macro_f1=0.4, calibration_error=0.1,
    confusion=[(0, 0, 2), (0, 1, 1), (1, 1, 1), (2, 1, 1)],
)  # fmt: skip


def flagged(offer: Offer, flags: Flags) -> Offer:
    tested = None
    if offer.details.validation_accuracy is not None:
        tested = offer.details.validation_accuracy.model_copy(update={"split": "test", "value": 0.7, "low": 0.6})
    reasons = {name: why for name, why in offer.details.reasons.items() if name != "test_accuracy"}
    changes = {"flags": flags, "by_class": [CLASSES], "test_accuracy": tested, "reasons": reasons}
    return replace(offer, details=offer.details.model_copy(update=changes))


def made(folder: Path, flags: Flags) -> Repository:
    """The most accurate variant has the flags; its accuracy of .95 dominates nothing by itself."""
    folder.mkdir(parents=True)
    slow, *others = items(folder)
    return repository(folder, [flagged(slow, flags), *others])


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return made(tmp_path_factory.mktemp("seen") / "a", {SEEN: REASON})


def test_a_flagged_accuracy_is_unknown_with_the_reason(seen: Repository) -> None:
    standing = seen.variant(SLOW).targets[TARGET]
    assert "accuracy" not in standing.figures
    assert standing.unknown["accuracy"] == REASON
    assert seen.variant(SLOW).flags == seen.details(SLOW).flags == {SEEN: REASON}


def test_a_flagged_accuracy_has_no_rank_and_the_others_rank_without_it(seen: Repository) -> None:
    variant = seen.variant(SLOW)
    assert variant.accuracy_rank is variant.relative_accuracy is None
    assert variant.reasons["accuracy_rank"] == REASON
    assert [seen.variant(name).accuracy_rank for name in (MIDDLE, QUICK)] == [1, 2]
    assert seen.variant(MIDDLE).relative_accuracy == 1


def test_a_flagged_variant_is_on_no_frontier_of_accuracy_and_dominates_nothing(seen: Repository) -> None:
    assert [one.name for one in seen.frontier("digits", TARGET)] == [MIDDLE, QUICK]
    assert [one.name for one in family(seen, "digits", TARGET)] == [MIDDLE, QUICK]
    assert all(one.dominated_by != SLOW for one in seen.dominance("digits", TARGET).values())


def test_a_frontier_of_other_metrics_keeps_the_variant(seen: Repository) -> None:
    assert SLOW in {one.name for one in seen.frontier("digits", TARGET, ["file_bytes"])}


def test_a_planner_gets_no_flagged_accuracy(seen: Repository) -> None:
    with pytest.raises(BadInputError, match=REASON):
        seen.on(SLOW, TARGET).accuracy()


def test_the_tables_show_the_test_accuracy_and_the_flag(seen: Repository) -> None:
    found = members(seen.index, "digits", TARGET)
    (member,) = (one for one in found if one[0].name == SLOW)
    assert row(*member)[1] == "70.00%"
    assert row(*member)[-1] == f"no: its accuracy has no rank; flagged {SEEN}"
    table = ranking_table(found)
    assert "test split" in table.columns[0].title
    shown = next(one for one in table.rows if one.name == SLOW)
    assert shown.cells[0].text == "70"
    assert not shown.on_frontier
    assert SEEN in shown.place


def test_the_report_shows_flags_and_classes(seen: Repository) -> None:
    page = Path(seen.storage.local, "report.html").read_text()
    assert f"{SEEN}: {REASON}." in page
    assert "Answers by class" in page


def test_the_worst_class_comes_first_with_its_answers(seen: Repository) -> None:
    flags, answers = by_class(seen.details(SLOW).model_copy(update={"labels": ["ant", "bee", "cat"]}))
    assert flags.notes == [f"{SEEN}: {REASON}."]
    assert answers.table is not None
    assert answers.table.rows[0] == ("cat", "1", "0.0%", "bee 1")
    assert answers.table.rows[1] == ("ant", "3", "66.7%", "ant 2, bee 1")
    assert "Balanced accuracy 50.00%, macro F1 0.4000" in answers.notes[0]


@pytest.mark.parametrize("flag", [ONE_ANSWER, COLLAPSED])
def test_a_flag_of_the_answers_is_shown_and_leaves_the_rank(flag: str, tmp_path: Path) -> None:
    found = made(tmp_path / "a", {flag: "a reason"})
    (member,) = (one for one in members(found.index, "digits", TARGET) if one[0].name == SLOW)
    assert row(*member)[-1] == f"yes; flagged {flag}"
    assert found.variant(SLOW).accuracy_rank == 1
    assert f"{flag}: a reason." in Path(found.storage.local, "report.html").read_text()


def test_flags_of_the_details_that_the_index_hides_are_refused(tmp_path: Path) -> None:
    found = made(tmp_path / "a", {SEEN: REASON})
    hidden = found.variant(SLOW).model_copy(update={"flags": {}})
    variants = [hidden, *(one for one in found.index.variants if one.name != SLOW)]
    changed = Repository(found.storage, found.index.model_copy(update={"variants": variants}))
    with pytest.raises(BadInputError, match="its flags is not that of the index"):
        changed.details(SLOW)
