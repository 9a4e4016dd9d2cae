"""The command: what it writes, where, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
from convertible import ACCURATE, FAST, TARGET, URI, accurate, convertible_repository, fast
from made_tasks import predicted

from porting.commands.convert import run
from porting.repository import Repository
from porting.repository.formats import FORMATS
from profiler.common.errors import BadInputError


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return convertible_repository(tmp_path_factory.mktemp("convert"))


def convert(repository: Repository, chosen: str, output: Path, *more: str) -> set[str]:
    run([str(repository.storage), chosen, "--target", TARGET, "--storage-uri", URI, "--output", str(output), *more])
    return {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}


@pytest.mark.parametrize("chosen", sorted(FORMATS))
def test_every_format_writes_the_files_and_tells_their_names(
    chosen: str, repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = convert(repository, chosen, tmp_path / "out")
    told = set(capsys.readouterr().out.split())
    assert told
    assert told <= {str(tmp_path / "out" / name) for name in written}


def test_a_predicted_load_time_is_converted_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes: dict[str, Any] = {"load_time": (), "predicted": (predicted(300.0, None),)}
    made = convertible_repository(tmp_path, accurate(**changes), fast(**changes))
    convert(made, "infaas", tmp_path / "out")
    assert "loadlat 300.000000" in (tmp_path / "out" / f"{FAST}.config").read_text()
    shown = capsys.readouterr().out
    assert shown.count("load time 300 ms, predicted") == 2
    assert f"not measured   {FAST} on {TARGET}" in shown


def test_one_variant_can_be_chosen(repository: Repository, tmp_path: Path) -> None:
    assert convert(repository, "infaas", tmp_path / "out", "--variant", FAST) == {f"{FAST}.config"}


def test_an_unknown_variant_is_refused_with_the_known_ones(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=f"no variant 'other': choices are {ACCURATE}, {FAST}"):
        convert(repository, "kserve", tmp_path / "out", "--variant", "other")


def test_a_folder_that_is_there_is_left_as_it_is(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(BadInputError, match="exists already"):
        convert(repository, "kserve", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
