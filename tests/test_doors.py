"""Every read of a file of unknown origin goes through profiler.common.door."""

import ast
from pathlib import Path

import pytest
from support import ROOT

ROOMS = ("backbones", "datamodules", "profiler", "porting", "orchestrators")
# Calls that read a file, or parse what may have come from one.
METHODS = {"open", "read_bytes", "read_text", "readlines", "model_validate_json", "validate_json", "extractall"}
FUNCTIONS = {
    "open", "os.open", "io.open", "json.load", "json.loads", "from_json", "np.load", "numpy.load", "np.fromfile",
    "np.loadtxt", "np.genfromtxt", "onnx.load", "onnx.load_model", "torch.load", "torch.jit.load", "load_file",
    "safe_open", "pickle.load", "pickle.loads", "zipfile.ZipFile", "ZipFile", "zipfile.is_zipfile", "tarfile.open",
    "yaml.load", "yaml.safe_load", "OmegaConf.load", "Image.open", "ParseFromString", "shutil.copyfile",
    "shutil.copytree", "mmap.mmap", "linecache.getline", "fileinput.input", "Path.open",
}  # fmt: skip
OURS = "what it reads was written by this very process, or by a child that it started, in a folder of its own"
CHECKED = "the path was at the door just before, and the library reads files by their names only"
DIGESTED = "the file's digest is compared with the one on record before"
KERNEL = "a file of the kernel's, below /proc or /sys"
PACKAGE = "a file of this package, or of an installed one"
WRITES = "it is opened for writing"
BOUNDED = "the bytes came through the door; the parser is bounded by their number"
# By file, why it may read or parse by itself.
EXCEPTIONS = {
    "datamodules/pictures.py": BOUNDED,
    "orchestrators/planners/inf_adapter/search.py": "a method of its own that has nothing to do with files",
    "orchestrators/live/journal.py": f"{WRITES}; {BOUNDED}",
    "orchestrators/live/nginx.py": f"{OURS}; {PACKAGE}",
    "orchestrators/live/nginx_master.py": OURS,
    "orchestrators/live/run_report.py": PACKAGE,
    "orchestrators/live/run.py": BOUNDED,
    "orchestrators/live/stall_probe.py": KERNEL,
    "orchestrators/live/stalls.py": OURS,
    "porting/configuration/annotations.py": "modules that a config names, which are code of the user's own",
    "porting/configuration/components.py": "modules that a config names, which are code of the user's own",
    "porting/jobs/own_code.py": PACKAGE,
    "porting/tracking/database_file.py": OURS,
    "porting/networks/foreign.py": BOUNDED,
    "porting/networks/program.py": OURS,
    "porting/networks/store.py": DIGESTED,
    "porting/onnx_files/quantization/int8_format.py": KERNEL,
    "porting/onnx_files/quantization/qdq.py": OURS,
    "porting/onnx_files/quantization/int8_candidate.py": OURS,
    "porting/configuration/val_from.py": BOUNDED,
    "profiler/command.py": "a value of the command line",
    "porting/configuration/recorded.py": "the configs, which name code of the user's own",
    "porting/repository/index_json.py": BOUNDED,
    "profiler/triton/lint/skeleton.py": BOUNDED,
    "profiler/triton/lint/tree.py": "a door of its own, for folders that are not followed anywhere",
    "porting/repository/reader.py": BOUNDED,
    "porting/repository/report/report.py": PACKAGE,
    "porting/repository/integrity.py": f"{OURS}; {BOUNDED}",
    "porting/repository/serving_folder.py": "what is served with --trust is copied, not read",
    "porting/repository/publishing/offers.py": DIGESTED,
    "porting/repository/publishing/writer.py": OURS,
    "porting/stages/import_model.py": CHECKED,
    "porting/stages/quantize_work.py": f"{OURS}; {DIGESTED}",
    "porting/training/checkpoints.py": DIGESTED,
    "porting/commands/adopt.py": BOUNDED,
    "porting/commands/monitor_process.py": WRITES,
    "porting/commands/serve.py": WRITES,
    "profiler/common/archives.py": BOUNDED,
    "profiler/common/ending.py": WRITES,
    "profiler/common/files.py": WRITES,
    "profiler/common/locks.py": KERNEL,
    "profiler/common/door.py": "the door",
    "profiler/common/scratch.py": "a folder",
    "profiler/common/signals.py": WRITES,
    "profiler/confined/seccomp.py": PACKAGE,
    "profiler/system/monitor/paper_features.py": PACKAGE,
    "profiler/confined/child.py": f"{OURS}; {BOUNDED}",
    "profiler/confined/landlock.py": "a place whose reading is allowed",
    "profiler/confined/parent.py": f"{KERNEL}; {BOUNDED}",
    "profiler/confined/protocol.py": BOUNDED,
    "profiler/load_generator/perf_analyzer_run.py": OURS,
    "profiler/measure/memory/batch_trial.py": OURS,
    "profiler/measure/memory/child_process.py": OURS,
    "profiler/runtimes/kernel_clock.py": OURS,
    "profiler/runtimes/kserve/own_triton.py": DIGESTED,
    "profiler/runtimes/kserve/host.py": DIGESTED,
    "profiler/runtimes/kserve/message.py": BOUNDED,
    "profiler/system/cpu_limit.py": KERNEL,
    "profiler/system/energy.py": KERNEL,
    "profiler/system/control_groups.py": KERNEL,
    "profiler/system/machine.py": KERNEL,
    "profiler/system/page_cache.py": DIGESTED,
    "profiler/system/processes.py": KERNEL,
    "profiler/triton/backend/onnxruntime/model.py": OURS,
    "profiler/triton/hidden_arguments.py": f"{KERNEL}; the server's own files",
    "profiler/triton/installation.py": "the server's own files",
    "profiler/triton/server.py": OURS,
}
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def readers(source: str) -> list[str]:
    """The calls in a source that read or parse by themselves."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in FUNCTIONS or method in METHODS or method in FUNCTIONS:
                found.append(f"{node.lineno}: {name}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_foreign_files_are_read_through_the_door_alone(path: Path) -> None:
    if str(path.relative_to(ROOT)) not in EXCEPTIONS:
        assert readers(path.read_text()) == []


def test_no_exception_is_made_for_nothing() -> None:
    assert [name for name in EXCEPTIONS if not (ROOT / name).is_file() or not readers((ROOT / name).read_text())] == []


@pytest.mark.parametrize(
    "call",
    ["open(x)", "x.open()", "Path(x).read_bytes()", "json.loads(x)", "np.load(x)", "onnx.load(x)", "zipfile.ZipFile(x)",
     "torch.load(x, weights_only=True)", "Kind.model_validate_json(x)", "Image.open(x)", "model.ParseFromString(x)"],
)  # fmt: skip
def test_a_reader_that_goes_round_the_door_would_be_found(call: str) -> None:
    assert readers(f"def f(x):\n    return {call}\n")
