"""What changed between two repositories: figures beyond their intervals, variants, files, places."""

from pathlib import Path

import pytest
from made_repository import IMAGES_PER_S, MIDDLE, QUICK, SLOW, items, repository

from porting.repository import Repository
from porting.repository.compare import Change, compare, moved
from profiler.common.files import sha256


def changed(folder: Path, **rates: float) -> Repository:
    return repository(folder, items(folder, {**IMAGES_PER_S, **rates}))


@pytest.fixture
def before(tmp_path: Path) -> Repository:
    return repository(tmp_path / "before")


def test_a_repository_is_as_itself(before: Repository) -> None:
    assert compare(before, before) == []


def test_a_figure_within_its_interval_has_not_moved(before: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "after"
    folder.mkdir()
    assert compare(before, changed(folder, **{MIDDLE: 405.0})) == []


def test_a_figure_beyond_its_interval_has(before: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "after"
    folder.mkdir()
    found = compare(before, changed(folder, **{MIDDLE: 300.0}))
    rates = "images_per_s", "relative_throughput", "single_images_per_s", "relative_single_throughput"
    assert {(one.variant, one.what) for one in found} == {(MIDDLE, one) for one in (*rates, "p50_ms", "relative_p50")}
    assert Change(MIDDLE, "local_cpu", "images_per_s", "400 [380, 420]", "300 [285, 315]") in found


def test_the_ratio_to_the_reference_shows_a_change_that_the_drift_hides(before: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "after"
    folder.mkdir()
    found = {one.what for one in compare(before, changed(folder, **{MIDDLE: 380.0}))}
    assert "relative_throughput" in found
    assert "images_per_s" not in found


def test_what_appears_and_what_vanishes_is_told(before: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "after"
    folder.mkdir()
    after = repository(folder, items(folder, {SLOW: IMAGES_PER_S[SLOW]}))
    assert compare(before, after) == [
        Change(name, "", "variant", "published", "vanished") for name in sorted((MIDDLE, QUICK))
    ]
    assert {one.after for one in compare(after, before)} == {"published"}


def test_another_file_under_the_same_name_is_told(before: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "after"
    folder.mkdir()
    offered = items(folder)
    offered[0].onnx.write_bytes(b"another")
    details = offered[0].details.model_copy(update={"onnx_sha256": sha256(offered[0].onnx)})
    offered[0] = type(offered[0])(details, None, [], offered[0].onnx)
    (found,) = compare(before, repository(folder, offered))
    assert (found.variant, found.what) == (SLOW, "file")


def test_without_an_interval_nobody_can_tell() -> None:
    assert not moved((1.0, None, None), (9.0, None, None))
    assert moved((1.0, 1.0, 1.0), (2.0, 2.0, 2.0))
    assert moved(None, (1.0, None, None))


def test_the_command_counts_the_changes(before: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    from porting.commands.compare import run

    run([str(before.storage), str(before.storage)])
    assert "0 changes over 3 variants" in capsys.readouterr().out
