"""What a project that people join states about itself is there and true."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement
from support import ROOT, environment

ROOMS = ("backbones", "datamodules", "profiler", "porting", "orchestrators")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GUIDES = sorted((ROOT / "docs" / "contributing").glob("*.md"))
PLACE = re.compile(rf"`((?:{'|'.join((*ROOMS, 'conf', 'docs', 'scripts', 'tests'))})/[\w./-]+)`")


@pytest.mark.parametrize("module", ["dnn_porting", "profiler"])
def test_a_command_prints_its_name_and_version(module: str) -> None:
    command = [sys.executable, "-m", module, "--version"]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
    assert run.stdout == f"dnn-porting {metadata.version('dnn-porting')}\n"


def test_the_licence_is_apache_2_0_in_every_place_that_names_it() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert canonicalize_license_expression(PROJECT["license"]) == citation["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text()
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])


def test_the_notices_name_every_package_that_the_project_asks_for() -> None:
    optional = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    asked = {Requirement(one).name for one in [*PROJECT["dependencies"], *optional]}
    assert len(asked) > 30
    notice = (ROOT / "NOTICE").read_text().lower()
    assert [name for name in sorted(asked) if name.lower() not in notice] == []


def test_the_citation_has_what_its_format_requires() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == PROJECT["version"]
    assert len(citation["references"]) >= 7
    assert [one for one in citation["references"] if not {"type", "title", "authors"} <= one.keys()] == []


def test_every_hook_runs_a_command_of_the_own_environment() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [one["repo"] for one in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert [hook["id"] for hook in hooks] == ["ruff-format", "ruff-check", "mypy"]
    assert [hook for hook in hooks if hook["language"] != "system"] == []
    assert [hook for hook in hooks if not (ROOT / hook["entry"].split()[0]).is_file()] == []


def test_there_is_a_guide_of_one_page_for_everything_that_is_added() -> None:
    assert [path.stem for path in GUIDES] == ["backbone", "part", "planner", "rule"]
    linked = (ROOT / "CONTRIBUTING.md").read_text()
    assert [path.name for path in GUIDES if f"docs/contributing/{path.name}" not in linked] == []
    assert [path.name for path in GUIDES if len(path.read_text().splitlines()) > 80] == []


@pytest.mark.parametrize("page", [ROOT / "CONTRIBUTING.md", *GUIDES], ids=lambda path: path.name)
def test_a_guide_names_files_that_exist(page: Path) -> None:
    named = PLACE.findall(page.read_text())
    assert named
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_no_other_package_of_the_environment_brings_a_name_of_ours() -> None:
    brought = {
        distribution.metadata["Name"]: {
            str(path).partition("/")[0].removesuffix(".py") for path in distribution.files or ()
        }
        for distribution in metadata.distributions()
    }
    assert "numpy" in brought["numpy"]
    assert {name for name, found in brought.items() if found & set(ROOMS)} <= {"dnn-porting"}


def test_another_profiler_on_the_path_is_named_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "profiler.py").write_text("")
    hidden = {**environment(), "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-P", "-m", "porting", "--version"]
    run = subprocess.run(command, capture_output=True, text=True, env=hidden, cwd=tmp_path)
    assert run.returncode != 0
    assert run.stderr.endswith(
        f"{tmp_path}/profiler.py hides the package 'profiler' of dnn-porting: take it off the import path\n"
    )
