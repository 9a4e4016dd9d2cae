"""The version of the project's own code in the keys: every change that may decide a result, and no other change."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import environment

from porting.configuration.stage_table import STAGES
from porting.jobs import own_code
from porting.jobs.job import Recipe
from porting.jobs.own_code import code_versions, read, source_file, sources_digest

MAKING = [stage.name for stage in STAGES if stage.name not in ("profile", "publish")]
FILES = {
    "porting/stages/train_work.py": "from porting.training.loop import fit\n\ndef run():\n    return fit()\n",
    "porting/training/loop.py": "def fit():\n    from porting.training.lazy import rate\n    return rate\n",
    "porting/training/lazy.py": "rate = 1\n",
    "porting/training/other.py": "unused = 1\n",
    "porting/training/typed.py": "Typed = int\n",
    "porting/common/console.py": "shown = 1\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small project in place of this one."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(own_code, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    read.cache_clear()
    sources_digest.cache_clear()


def key() -> str:
    forget()
    return Recipe.of("train", "", None, {}, {}, ()).key()


@pytest.mark.parametrize("name", list(FILES)[:3])
def test_a_change_of_the_work_or_of_what_it_imports_is_another_key(project: Path, name: str) -> None:
    before = key()
    assert key() == before
    (project / name).write_text(FILES[name] + "more = 2\n")
    assert key() != before


@pytest.mark.parametrize("name", list(FILES)[3:])
def test_a_change_of_a_module_that_decides_nothing_keeps_the_key(project: Path, name: str) -> None:
    work = project / "porting/stages/train_work.py"
    work.write_text(
        "from typing import TYPE_CHECKING\nfrom porting.common.console import shown\n"
        f"if TYPE_CHECKING:\n    from porting.training.typed import Typed\n{work.read_text()}"
    )
    before = key()
    (project / name).write_text("another = 2\n")
    assert key() == before


def test_comments_docstrings_and_layout_keep_the_key(project: Path) -> None:
    before = key()
    (project / "porting/stages/train_work.py").write_text(
        '"""Other words."""\n# A comment.\nfrom porting.training.loop import fit\n\n\n'
        'def run():\n    """A docstring."""\n    return (fit())\n'
    )
    assert key() == before


def test_a_submodule_that_is_imported_by_its_package_is_followed(project: Path) -> None:
    (project / "porting/stages/train_work.py").write_text("from porting.training import loop\n")
    before = key()
    (project / "porting/training/lazy.py").write_text("rate = 3\n")
    assert key() != before


@pytest.mark.parametrize("stage", MAKING)
def test_every_stage_that_makes_variants_has_the_digest_of_its_work(stage: str) -> None:
    ((module, digest),) = code_versions(stage).items()
    assert source_file(module) is not None
    assert len(digest) == 64


def test_the_training_and_the_streams_decide_a_trained_network(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_versions("train")
    for changed in (
        "porting.training.training_loop",
        "porting.training.streams",
        "porting.networks.store",
        "porting.workspace.data",
    ):
        sources_digest.cache_clear()
        source = read(changed)
        assert source is not None
        with monkeypatch.context() as patched:
            other = source._replace(code="other")
            patched.setattr(
                own_code, "read", lambda name, changed=changed, other=other: other if name == changed else read(name)
            )
            assert code_versions("train") != before
    sources_digest.cache_clear()


def test_the_digest_is_computed_without_an_import_of_the_work() -> None:
    code = (
        "import sys\nfrom porting.jobs.own_code import code_versions\n"
        f"for stage in {MAKING!r}: code_versions(stage)\n"
        "print(sorted({'torch', 'lightning', 'onnx'} & set(sys.modules)), 'porting.stages.train_work' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["[]", "False"]
