"""The order of the rooms and of their folders: arrows point one way, and what must be light stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from import_circles import ROOMS, imported_folders
from support import ROOT, SMALL, environment

MAY_IMPORT = {
    "backbones": {"backbones"},
    "datamodules": {"datamodules", "profiler"},
    "profiler": {"profiler"},
    "porting": {"porting", "profiler"},
    "orchestrators": {"orchestrators", "porting", "profiler"},
}
PLANNERS = (
    "devices", "inf_adapter", "infaas", "ipa", "model_switching", "paragon", "sponge", "trivial",
)  # fmt: skip
# From the lowest to the highest: a folder imports itself and what lies in a lower layer.
LAYERS = (
    ("backbones", "profiler/common", "profiler/triton/backend/onnxruntime", "porting/common"),
    ("datamodules", "profiler/records", "profiler/triton", "profiler/triton/lint"),
    ("profiler/graph", "profiler/system"),
    ("profiler/confined", "profiler/system/monitor"),
    ("profiler/runtimes",),
    ("profiler/runtimes/kserve",),
    ("profiler/load_generator", "profiler/trial"),
    ("profiler/analysis", "profiler/target"),
    ("profiler/measure", "profiler/operators", "profiler/warm_up"),
    ("profiler/measure/latency", "profiler/measure/layers", "profiler/measure/memory", "profiler/measure/warm_up"),
    ("profiler/measure/throughput",),
    (
        "profiler/measure/capacity",
        "profiler/measure/contention",
        "profiler/measure/repeats",
        "profiler/measure/scaling",
        "profiler/measure/sizes",
        "profiler/measure/visits",
    ),
    ("profiler/measure/batching",),
    ("profiler",),
    ("porting/repository",),
    ("porting/repository/formats", "porting/repository/report"),
    ("porting/repository/publishing",),
    ("porting/configuration",),
    ("porting/workspace",),
    ("porting/jobs", "porting/networks", "porting/onnx_files/quantization"),
    ("porting/onnx_files", "porting/tracking", "porting/training"),
    ("porting/pruners",),
    ("porting/pruners/criteria",),
    ("porting/pruners/engines", "porting/stages"),
    ("porting",),
    ("porting/command_line",),
    ("porting/commands",),
    ("orchestrators",),
    ("orchestrators/load", "orchestrators/planners"),
    ("orchestrators/forecast", *(f"orchestrators/planners/{name}" for name in PLANNERS)),
    ("orchestrators/policies/rules",),
    ("orchestrators/policies",),
    ("orchestrators/simulation",),
    ("orchestrators/live",),
    ("orchestrators/commands",),
)
LAYER = {folder: number for number, layer in enumerate(LAYERS) for folder in layer}
FILES = [path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py")]
TORCH = {"torch", "torchvision", "lightning", "torchmetrics", "nni", "torch_pruning"}


def imported_modules(path: Path) -> set[str]:
    """Every module that a file imports: at its top, inside a function, or for type checking."""
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


def not_below(folder: str, source: str) -> set[str]:
    """The other folders that a source in this folder imports, and that lie in no lower layer."""
    return {other for other in imported_folders(source) - {folder} if LAYER[other] >= LAYER[folder]}


def test_every_folder_has_one_layer() -> None:
    found = {str(path.parent.relative_to(ROOT)) for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert sorted(folder for layer in LAYERS for folder in layer) == sorted(found)


@pytest.mark.parametrize("folder", LAYER)
def test_a_folder_imports_what_lies_in_lower_layers(folder: str) -> None:
    paths = list((ROOT / folder).glob("*.py"))
    assert paths
    assert not {(path.name, other) for path in paths for other in not_below(folder, path.read_text())}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import profiler.measure.throughput.meter", "profiler/measure/throughput"),
        ("from profiler.measure.throughput.meter import ThroughputMeter", "profiler/measure/throughput"),
        ("from profiler.measure import ledger", "profiler/measure"),
        ("def f():\n    from profiler import command", "profiler"),
        ("import_module(f'profiler.measure.{name}')", "profiler/measure"),
        ("Task('profiler.measure.memory.child_process.main')", "profiler/measure/memory"),
        ("from profiler.analysis import statistics", "profiler/analysis"),
    ],
)
def test_an_import_from_the_same_layer_or_a_higher_one_would_be_found(source: str, found: str) -> None:
    assert not_below("profiler/target", f"from profiler.common import errors\n{source}") == {found}


def test_data_modules_know_nothing_of_the_profiler_but_the_door() -> None:
    paths = list((ROOT / "datamodules").rglob("*.py"))
    assert paths
    for path in paths:
        found = {name for name in imported_modules(path) if name.startswith("profiler.")}
        assert found <= {"profiler.common.door", "profiler.common.errors"}, path


# Serve and try torch programs: the files of the plain install that ask for torch, when they are told to.
TORCH_RUNTIME = {ROOT / "profiler" / name for name in ("runtimes/torch_program.py", "trial/torch_network.py")}


def test_planners_read_nothing_but_the_published_repository() -> None:
    room = ROOT / "orchestrators"
    paths = set(room.rglob("*.py")) - set((room / "commands").rglob("*.py"))
    assert paths
    for path in paths:
        ours = {name for name in imported_modules(path) if name.partition(".")[0] == "porting"}
        assert all(f"{name}.".startswith("porting.repository.") for name in ours), path


@pytest.mark.parametrize("folder", ["profiler", "porting/repository", "orchestrators"])
def test_the_plain_install_needs_no_torch(folder: str) -> None:
    paths = set((ROOT / folder).rglob("*.py")) - TORCH_RUNTIME
    assert paths
    for path in paths:
        assert not {name.partition(".")[0] for name in imported_modules(path)} & TORCH, path


def test_a_wrong_arrow_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from porting.common.console import say\n    return say\n")
    assert "porting.common.console" in imported_modules(wrong)


def packages_of(code: str) -> set[str]:
    """The third-party packages that a fresh interpreter holds after running this code."""
    code += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment())
    ours_and_python = {*sys.stdlib_module_names, "porting", "profiler", "sitecustomize", "cython_runtime"}
    return {name for name in run.stderr.split() if not name.startswith("_")} - ours_and_python


# How long both take stands in scripts/benchmark_demo.py; what they load decides it.
def test_importing_the_repository_loads_pydantic_alone() -> None:
    found = packages_of("import porting.repository")
    assert found <= {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}


def packages_of_command(*arguments: str) -> set[str]:
    """The third-party packages that `dnn-porting` holds as it ends."""
    ask = f"import runpy, sys; sys.argv = {['dnn-porting', *arguments]}"
    return packages_of(f"{ask}\ntry: runpy.run_module('dnn_porting', run_name='__main__')\nexcept SystemExit: pass")


def test_help_loads_hydra_alone() -> None:
    found = packages_of_command("--help")
    assert found <= {"antlr4", "attr", "hydra", "omegaconf", "packaging", "yaml"}


@pytest.mark.integration
def test_a_run_that_reuses_everything_loads_nothing_that_makes_anything(published: Path) -> None:
    found = packages_of_command(*SMALL, f"workspace={published}")
    assert found >= {"hydra", "pydantic", "onnxruntime"}
    assert not found & (TORCH | {"mlflow", "sqlalchemy", "alembic", "scipy", "sklearn", "pandas", "matplotlib"})
