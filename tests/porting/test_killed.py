"""SIGKILL in the middle of each stage: the next run goes on, does nothing complete twice, and ends the same."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import Forked
from support import ROOT, SMALL, Command, environment, variant_records

from profiler.common.files import UNFINISHED
from profiler.common.locks import FOLDER

pytestmark = pytest.mark.integration
# A server that dies with a killed profiler has tests of its own.
ARGUMENTS = [*SMALL, "tracking.enabled=false", "targets.local_cpu.runtime=onnxruntime"]


def unfinished(pattern: str) -> Callable[[Path], bool]:
    return lambda workspace: bool(list(workspace.glob(pattern)))


VARIANTS = "tasks/digits/variants"


def measuring(workspace: Path) -> bool:
    """Whether the first profile is finished, and so the second one is being measured."""
    return any(is_finished(path) for path in workspace.glob(f"{VARIANTS}/*/profiles/local_cpu.json"))


def is_finished(profile: Path) -> bool:
    """Whether every part of the quick level was gone through, the later visits last."""
    finished = {part["name"]: part["finished"] for part in json.loads(profile.read_text())["parts"]}
    return "visits" in finished and all(finished.values())


IN_THE_MIDDLE: dict[str, Callable[[Path], bool]] = {
    "train": unfinished(f"{VARIANTS}/{UNFINISHED}digits-resnet8-????????"),
    "prune": unfinished(f"{VARIANTS}/{UNFINISHED}digits-resnet8-taylor-50-????????"),
    "finetune": unfinished(f"{VARIANTS}/{UNFINISHED}digits-resnet8-taylor-50-tuned-????????"),
    "export": unfinished(f"{VARIANTS}/*/{UNFINISHED}model.onnx"),
    "quantize": unfinished(f"{VARIANTS}/{UNFINISHED}digits-resnet8-*int8-u8s8-????????"),
    "profile": measuring,
    "publish": unfinished(f"{UNFINISHED}.repository-*"),
}


def kill_in_the_middle(commands: Forked, workspace: Path, middle: Callable[[Path], bool], arguments: list[str]) -> None:
    """Starts a run and kills it as soon as the stage has begun something."""
    run = commands.start(*arguments, f"workspace={workspace}")
    deadline = time.monotonic() + 240
    while not run.has_ended(within_s=0.002) and time.monotonic() < deadline and not middle(workspace):
        pass
    assert not run.has_ended(), "the run ended before it could be killed"
    os.kill(run.pid, signal.SIGKILL)
    assert run.code() == -signal.SIGKILL


def complete(workspace: Path) -> dict[Path, int]:
    """Every file of a complete piece of work, and when it was written."""
    names = ("model.safetensors", "predictions.npz", "local_cpu.json")
    files = [path for name in names for path in workspace.glob(f"{VARIANTS}/digits-*/**/{name}")]
    exported = [name for name, record in variant_records(workspace).items() if record["onnx"]]
    done = [path for path in files if path.name != "predictions.npz" or path.parent.name in exported]
    whole = [path for path in done if path.name != "local_cpu.json" or is_finished(path)]
    return {path: path.stat().st_mtime_ns for path in whole}


def digests(workspace: Path) -> dict[str, list[str | None]]:
    """Every variant's weights, ONNX file and torch program."""
    places = (("network", "sha256"), ("onnx", "sha256"), ("onnx", "program_sha256"))
    return {
        name: [record[part] and record[part][field] for part, field in places]
        for name, record in variant_records(workspace).items()
    }


def test_a_killed_pipeline_goes_on_and_ends_as_an_undisturbed_one(
    commands: Forked, dnn_porting: Command, published: Path, tmp_path: Path
) -> None:
    disturbed = tmp_path / "disturbed"
    done: dict[Path, int] = {}
    for stage, middle in IN_THE_MIDDLE.items():
        kill_in_the_middle(commands, disturbed, middle, ARGUMENTS)
        now = complete(disturbed)
        assert {path: now.get(path) for path in done} == done, f"something complete was done again before {stage}"
        done = now
    last = dnn_porting(*ARGUMENTS, f"workspace={disturbed}")
    assert last.code == 0, last.err
    assert "profile   0 made, 6 reused" in last.out
    now = complete(disturbed)
    assert {path: now[path] for path in done} == done
    assert not list(disturbed.rglob(f"{UNFINISHED}*"))
    assert digests(disturbed) == digests(published)
    assert len(digests(disturbed)) == 8


def test_a_killed_import_goes_on(commands: Forked, dnn_porting: Command, published: Path, tmp_path: Path) -> None:
    (base,) = (name for name, record in variant_records(published).items() if len(record["lineage"]) == 1)
    arguments = ["stage=import", f"model={published / VARIANTS / base / 'model.onnx'}", "datamodule=digits"]
    workspace = tmp_path / "w"
    middle = unfinished(f"{VARIANTS}/{UNFINISHED}digits-imported-????????")
    kill_in_the_middle(commands, workspace, middle, [*arguments, "tracking.enabled=false"])
    assert not variant_records(workspace)
    run = dnn_porting(*arguments, "tracking.enabled=false", f"workspace={workspace}")
    assert run.code == 0, run.err
    assert not list(workspace.rglob(f"{UNFINISHED}*"))
    (record,) = variant_records(workspace).values()
    assert record["onnx"]["sha256"] == variant_records(published)[base]["onnx"]["sha256"]


def kill(*options: str) -> None:
    """Kills runs over stand-in stages, in a network of their own; what differs from an undisturbed run is told."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "kill_test.py", "--real", "0", *options],
        env={**environment(), FOLDER: ""}, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_that_is_killed_at_random_moments_goes_on_and_leaves_nothing() -> None:
    kill("--stand-ins", "4")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_that_is_killed_at_delicate_moments_goes_on_and_leaves_nothing() -> None:
    """Among them MLflow's first migration, a checkpoint that is being written, and publish's swap."""
    kill("--stand-ins", "0", "--aimed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_training_says_so_and_leaves_no_trace(
    commands: Forked, tmp_path: Path, number: signal.Signals
) -> None:
    run = commands.start("stage=train", "train.epochs=500", "tracking.enabled=false", f"workspace={tmp_path}")
    deadline = time.monotonic() + 60
    # One epoch is over, and the next is on.
    while not list(tmp_path.glob("tasks/digits/trainings/*/*.ckpt")) and time.monotonic() < deadline:
        assert not run.has_ended(within_s=0.01)
    os.kill(run.pid, number)
    done = run.result(timeout_s=60)
    assert done.code == 128 + number
    (line,) = done.err.splitlines()
    assert line.startswith("dnn-porting: interrupted: complete results stay")
    assert not list(tmp_path.glob(f"{VARIANTS}/*"))
