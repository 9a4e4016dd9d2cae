"""`python -m profiler` with hostile files, and interrupted: one line, and it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import hostile_onnx
import pytest
from support import environment, write_network
from survival import level

from profiler.command import Request
from profiler.target import Target

pytestmark = [pytest.mark.alone, pytest.mark.integration]
# Long enough to be interrupted.
LEVEL = level(4, settle=60.0).model_copy(update={"budget_s": 300.0})


def request(folder: Path) -> Path:
    path = folder / "request.json"
    target = Target(runtime="onnxruntime")
    path.write_text(Request(target_name="here", target=target, settings=LEVEL).model_dump_json())
    return path


def command(folder: Path, model: Path) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-m", "profiler", str(model), str(request(folder))]
    return subprocess.Popen(
        arguments, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_hostile_file_is_refused_in_one_line(tmp_path: Path) -> None:
    model = hostile_onnx.endless(tmp_path / "model.onnx")
    with command(tmp_path, model) as process:
        _, errors = process.communicate(timeout=120)
    (line,) = errors.splitlines()
    assert line.startswith(f"profiler: {model}")
    assert process.returncode == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_one_line_wherever_it_is(tmp_path: Path, number: signal.Signals) -> None:
    model = write_network(tmp_path / "model.onnx")
    with command(tmp_path, model) as process:
        time.sleep(5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    (line,) = errors.splitlines()
    assert line.startswith("profiler: interrupted:")
    assert process.returncode == 128 + number
