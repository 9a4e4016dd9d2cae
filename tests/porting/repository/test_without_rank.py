"""Disturbed variants, which have no rank, and the ranking by single requests beside that by the best batch."""

from pathlib import Path
from typing import Any

import pytest
from full_profile import item
from made_points import quiet, rate
from made_repository import ACCURACY, IMAGES_PER_S, MIDDLE, QUICK, SLOW, items, profile, repository

from orchestrators.family import family
from porting.command_line.summary import row
from porting.pruners.measured_throughput import throughput_level
from porting.repository import Repository
from porting.repository.compare import removed
from porting.repository.figures import DISTURBED
from porting.repository.formats.conversion import Conversion
from porting.repository.operating_points import operating_points
from porting.repository.publishing.offers import Offer
from porting.repository.report.chart_data import chart_data
from porting.repository.report.ranking_table import members, ranking_table
from porting.repository.select import select
from porting.repository.standing import RANKED_SINGLE
from porting.stages.publish import without_frontier
from porting.tracking.model_registry import aliases
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import LevelSettings, ThroughputSettings
from profiler.records.throughput import MaximalThroughput

TARGET = "local_cpu"
BUSY = quiet().model_copy(update={"others_share": 0.4, "disturbed": True})


def maxima(single: float, best: float, **changes: Any) -> list[MaximalThroughput]:
    """The maxima of batches 1 and 16."""
    return [rate(MaximalThroughput, *load, **changes) for load in ((1, 4, single), (16, 2, best))]


def offered(folder: Path, name: str, points: list[MaximalThroughput]) -> Offer:
    """A variant with these maxima."""
    return item(name, profile(IMAGES_PER_S[name], max_throughput=points), folder, ACCURACY[name])


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The most accurate variant is disturbed."""
    folder = tmp_path_factory.mktemp("disturbed")
    _, *others = items(folder)
    return repository(folder, [offered(folder, SLOW, maxima(160, 200, verdict="disturbed", noise=BUSY)), *others])


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The variant that the middle one dominates at the best batch is the fastest at batch 1."""
    folder = tmp_path_factory.mktemp("single")
    slow, middle, _ = items(folder)
    return repository(folder, [slow, middle, offered(folder, QUICK, maxima(380, 390))])


def test_a_disturbed_variant_is_published_and_on_no_frontier(disturbed: Repository) -> None:
    standing = disturbed.variant(SLOW).targets[TARGET]
    assert (standing.on_frontier, standing.dominated_by, standing.ties_with) == (False, None, [])
    assert standing.unknown["relative_throughput"] == DISTURBED
    assert [one.name for one in disturbed.frontier("digits", TARGET)] == [MIDDLE, QUICK]
    assert [one.name for one in family(disturbed, "digits", TARGET)] == [MIDDLE, QUICK]
    assert [one.name for one in Conversion(disturbed, TARGET).measured()] == [MIDDLE, QUICK]


def test_planners_say_why_no_variant_has_a_rank(tmp_path: Path) -> None:
    busy = maxima(380, 390, noise=BUSY, verdict="disturbed")
    found = repository(tmp_path, [offered(tmp_path, QUICK, busy)])
    with pytest.raises(BadInputError, match=r"no variant of digits is on the frontier of local_cpu \(.*: .*\): run"):
        family(found, "digits", TARGET)
    (line,) = without_frontier(found)
    assert line.startswith("no variant of digits is on the frontier of local_cpu, so nothing can be planned with it: ")


def test_a_publication_with_a_frontier_has_no_such_line(single: Repository) -> None:
    assert list(without_frontier(single)) == []


def test_select_refuses_where_every_objective_was_disturbed(tmp_path: Path) -> None:
    busy = maxima(380, 390, noise=BUSY, verdict="disturbed")
    found = repository(tmp_path, [offered(tmp_path, QUICK, busy)])
    with pytest.raises(BadInputError, match=r"every images_per_s that meets the conditions was disturbed"):
        select(found, [], "images_per_s")


def test_select_names_the_ratio_that_compares_on_one_target(single: Repository) -> None:
    found = select(single, [], "images_per_s")
    assert {one.lacks for one in found.misses} == {("meets every condition, with a worse relative_throughput",)}


def test_the_tables_show_verdict_and_load_beside_the_figure(disturbed: Repository) -> None:
    found = members(disturbed.index, "digits", TARGET)
    (member,) = (one for one in found if one[0].name == SLOW)
    shown = row(*member)
    assert shown[-4].endswith("(disturbed)")
    assert shown[-3].endswith("(disturbed)")
    assert shown[-2:] == ["16 × 2, others 40%", "no: its maximal throughput has no rank"]
    table = ranking_table(found)
    (line,) = (one for one in table.rows if one.name == SLOW)
    cells = dict(zip((one.title for one in table.columns), line.cells, strict=True))
    assert not line.on_frontier
    assert cells["maximal throughput, images/s"].small.endswith("(disturbed)")
    assert cells["batch × callers, others"].text == "16 × 2, others 40%"


def test_the_chart_draws_it_without_a_rank(disturbed: Repository) -> None:
    (ranking,) = chart_data(disturbed.index)["rankings"]
    numbers = {one["name"]: number for number, one in enumerate(ranking["variants"])}
    assert ranking["places"]["accuracy images_per_s"]["dominated_by"][numbers[SLOW]] == -2
    assert ranking["variants"][numbers[SLOW]]["load"] == "16 × 2 callers, others 40%"


def test_select_ranks_no_disturbed_figure_and_shows_its_verdict(disturbed: Repository) -> None:
    points = {(one.variant.name, one.batch): one for one in operating_points(disturbed, "digits", TARGET)}
    one = points[SLOW, 16]
    assert (one.verdict, one.others_share, one.unknown["relative_throughput"]) == ("disturbed", 0.4, DISTURBED)
    found = select(disturbed, [], "images_per_s", "digits", TARGET)
    assert found.chosen is not None
    assert found.chosen.variant.name == QUICK
    (miss,) = (one for one in found.misses if one.point.variant.name == SLOW)
    assert miss.lacks == ("meets every condition, with a disturbed images_per_s",)


def test_another_format_shows_verdict_and_load(disturbed: Repository) -> None:
    assert "throughput disturbed with 40% of the cores used by others" in disturbed.on(SLOW, TARGET).provenance()


def test_the_best_variant_for_single_requests_is_published_and_on_their_frontier(single: Repository) -> None:
    assert single.variant(QUICK).targets[TARGET].dominated_by == MIDDLE
    assert QUICK not in {one.name for one in single.frontier("digits", TARGET)}
    assert QUICK in {one.name for one in single.frontier("digits", TARGET, RANKED_SINGLE)}


def test_an_alias_names_the_fastest_of_each_frontier(single: Repository) -> None:
    assert aliases(single, "digits") == {
        f"most-accurate-{TARGET}": SLOW, f"fastest-{TARGET}": MIDDLE, f"fastest-single-{TARGET}": QUICK,
    }  # fmt: skip


def test_an_alias_compares_by_the_ratio_to_the_reference(tmp_path: Path) -> None:
    slow, middle, quick = items(tmp_path)
    faster = [one.model_copy(update={"images_per_s": 5000.0, "high_images_per_s": None, "reasons": {
        **one.reasons, "high_images_per_s": "a test"}}) for one in maxima(320, 400)]  # fmt: skip
    raw = repository(tmp_path, [slow, offered(tmp_path, MIDDLE, faster), quick])
    assert aliases(raw, "digits")[f"fastest-{TARGET}"] == QUICK
    assert middle.details.name == MIDDLE


def test_no_alias_names_a_variant_where_none_has_a_rank(tmp_path: Path) -> None:
    alone = repository(tmp_path, [offered(tmp_path, SLOW, maxima(160, 200, verdict="disturbed", noise=BUSY))])
    assert set(aliases(alone, "digits").values()) == {None}


def test_select_finds_the_best_for_single_requests_at_batch_1(single: Repository) -> None:
    found = select(single, [], "single_images_per_s", "digits", TARGET).chosen
    assert found is not None
    assert (found.variant.name, found.batch) == (QUICK, 1)


def test_a_variant_that_both_rankings_leave_out_is_dropped(tmp_path: Path, single: Repository) -> None:
    slow, middle, _ = items(tmp_path)
    now = repository(tmp_path, [slow, middle, offered(tmp_path, QUICK, maxima(300, 390))])
    assert [one.name for one in now.index.dropped] == [QUICK]
    assert list(removed(single, now)) == [f"{QUICK} can no longer be loaded: it is dominated by {MIDDLE} on {TARGET}"]


def test_pruning_measures_the_throughput_that_it_aims_at() -> None:
    settings = ThroughputSettings(batches=[1, 16], max_concurrency=2, search_seconds=0.1, settle_seconds=0.1)
    level = LevelSettings.of_throughput(settings, budget_s=20)
    for metric, batches in (("images_per_s", [1, 16]), ("single_images_per_s", [1])):
        measured = throughput_level(level, metric).throughput
        assert measured is not None
        assert measured.batches == batches
