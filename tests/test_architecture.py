"""The order of the rooms: arrows point one way, and what must be light stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, environment

ROOMS = ("backbones", "datamodules", "profiler", "porting", "orchestrators")
MAY_IMPORT = {
    "backbones": {"backbones"},
    "datamodules": {"datamodules", "profiler"},
    "profiler": {"profiler"},
    "porting": {"porting", "profiler"},
    "orchestrators": {"orchestrators", "porting", "profiler"},
}
FILES = [path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py")]
TORCH = {"torch", "torchvision", "lightning", "torchmetrics", "nni", "torch_pruning"}


def imported_modules(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function, but not for type checking only."""
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_in_the_order_of_the_rooms(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    ours = {name.partition(".")[0] for name in imported_modules(path)} & set(ROOMS)
    assert ours <= MAY_IMPORT[room]


def test_data_modules_know_nothing_of_the_profiler_but_the_door() -> None:
    for path in (ROOT / "datamodules").rglob("*.py"):
        found = {name for name in imported_modules(path) if name.startswith("profiler.")}
        assert found <= {"profiler.door", "profiler.errors"}, path


# Serves torch programs: the one file of the plain install that asks for torch, when it is told to.
TORCH_RUNTIME = {ROOT / "profiler" / "runtimes" / name for name in ("torch_program.py", "torch_trial.py")}


def test_planners_read_nothing_but_the_published_repository() -> None:
    room = ROOT / "orchestrators"
    for path in set(room.rglob("*.py")) - set((room / "commands").rglob("*.py")):
        ours = {name for name in imported_modules(path) if name.partition(".")[0] == "porting"}
        assert all(f"{name}.".startswith("porting.repository.") for name in ours), path


@pytest.mark.parametrize("folder", ["profiler", "porting/repository", "orchestrators"])
def test_the_plain_install_needs_no_torch(folder: str) -> None:
    for path in set((ROOT / folder).rglob("*.py")) - TORCH_RUNTIME:
        assert not {name.partition(".")[0] for name in imported_modules(path)} & TORCH, path


def test_a_wrong_arrow_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from porting.files import digest\n    return digest\n")
    assert "porting.files" in imported_modules(wrong)


def packages_of(code: str) -> set[str]:
    """The third-party packages that a fresh interpreter holds after running this code."""
    code += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment())
    ours_and_python = {*sys.stdlib_module_names, "porting", "profiler", "sitecustomize", "cython_runtime"}
    return {name for name in run.stderr.split() if not name.startswith("_")} - ours_and_python


# How long both take stands in scripts/benchmark_demo.py; what they load decides it.
def test_importing_the_repository_loads_pydantic_and_numpy_alone() -> None:
    found = packages_of("import porting.repository")
    assert found <= {"annotated_types", "numpy", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}


def test_help_loads_hydra_alone() -> None:
    ask = "import runpy, sys; sys.argv = ['porting', '--help']"
    found = packages_of(f"{ask}\ntry: runpy.run_module('porting', run_name='__main__')\nexcept SystemExit: pass")
    assert found <= {"antlr4", "attr", "hydra", "omegaconf", "packaging", "yaml"}
