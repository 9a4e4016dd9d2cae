"""The files and the page of benchmarks: a part replaces its own rows, a whole run replaces all."""

import json
import sys
from pathlib import Path

import figures
import pytest
from figures import Figure, record


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(figures, "FOLDER", tmp_path)
    monkeypatch.setattr(figures, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(sys, "argv", [str(figures.ROOT / "scripts" / "benchmark_it.py")])
    return tmp_path


def rows(folder: Path) -> dict[str, float]:
    return {name: one["value"] for name, one in json.loads((folder / "it.json").read_text()).items()}


def test_a_part_replaces_its_own_rows_and_keeps_the_others_with_their_dates(folder: Path) -> None:
    record("it", {"a": Figure(1.0, "s"), "b": Figure(2.0, "s")})
    path = folder / "it.json"
    path.write_text(path.read_text().replace(json.loads(path.read_text())["a"]["date"], "2020-02-02"))
    record("it", {"b": Figure(3.0, "s")}, whole=False)
    assert rows(folder) == {"a": 1.0, "b": 3.0}
    assert json.loads(path.read_text())["a"]["date"] == "2020-02-02"
    (line,) = (one for one in (folder / "page.md").read_text().splitlines() if one.startswith("| b "))
    assert f"{json.loads(path.read_text())['b']['date']})" in line


def test_a_whole_run_removes_rows_that_it_does_not_make(folder: Path) -> None:
    record("it", {"a": Figure(1.0, "s")})
    record("it", {"b": Figure(2.0, "s")})
    assert rows(folder) == {"b": 2.0}
