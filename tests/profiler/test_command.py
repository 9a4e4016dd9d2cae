"""`python -m profiler` with hostile files, and interrupted: one line, and it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import hostile_onnx
import pytest
from blank import normal_rate
from support import environment, write_network
from survival import level

from profiler import command as profiler_command
from profiler.command import Request, run
from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import write_record
from profiler.common.locks import alone_on_host
from profiler.common.target import Target
from profiler.trial.onnx_file import try_onnx

pytestmark = pytest.mark.integration
# Long enough to be interrupted.
QUICK = level(1)
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


def swap_after_the_trial(monkeypatch: pytest.MonkeyPatch, model: Path, other: bytes, measure: object) -> None:
    """Another process puts another file in the place of the one that was tried, before it is measured."""

    def swapping(path: Path, input_sizes: Sequence[int] = ()) -> None:
        try_onnx(path, input_sizes)
        model.write_bytes(other)

    monkeypatch.setattr(profiler_command, "try_onnx", swapping)
    monkeypatch.setattr(profiler_command, "prepared_target", nullcontext_of)
    monkeypatch.setattr(profiler_command, "profile_file", measure)


def nullcontext_of(*_: object) -> "nullcontext[None]":
    return nullcontext()


def test_what_was_tried_is_measured_whoever_swaps_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, measured = write_network(tmp_path / "model.onnx"), []
    content = model.read_bytes()
    swap_after_the_trial(monkeypatch, model, b"", lambda _, path, *__: measured.append(path.read_bytes()))
    profiler_command.run(model, request(tmp_path), tmp_path / "profile.json")
    assert measured == [content]
    assert model.read_bytes() == b""


def test_an_error_about_the_copy_names_the_file_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_network(tmp_path / "model.onnx")

    def fail(_: object, path: Path, *__: object) -> None:
        raise ModelError(f"{path} and {path.with_suffix('.pt')} are wrong")

    swap_after_the_trial(monkeypatch, model, b"", fail)
    with pytest.raises(ModelError, match=f"^{model} and {model.with_suffix('.pt')} are wrong$"):
        profiler_command.run(model, request(tmp_path), tmp_path / "profile.json")


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


def test_a_profile_with_figures_that_no_machine_measures_is_named_with_the_fix(tmp_path: Path) -> None:
    model, kept = write_network(tmp_path / "model.onnx"), tmp_path / "profile.json"
    quick = Request(target_name="here", target=Target(runtime="onnxruntime"), settings=QUICK)
    (tmp_path / "request.json").write_text(quick.model_dump_json())
    profile = run(model, tmp_path / "request.json", kept)
    for field in ("parts", "throughput", "max_throughput", "latency"):
        profile = profile.model_copy(update={field: ()})
    write_record(kept, profile.model_copy(update={"reference": normal_rate(1e308)}))
    kept.with_suffix(".npz").unlink()
    with pytest.raises(
        BadInputError, match=r"target here has figures that no machine measures \(.+\): remove it to measure"
    ):
        run(model, tmp_path / "request.json", kept)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("profile.npz", "name a .json file"),
        ("model.onnx", "would write over .*model.onnx: name another file"),
        ("request.json", "would write over .*request.json: name another file"),
        ("model.onnx/profile.json", "model.onnx is no folder: name a file in one"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_measured(
    tmp_path: Path, output: str, says: str
) -> None:
    write_network(tmp_path / "model.onnx")
    request = Request(target_name="here", target=Target(runtime="onnxruntime"), settings=QUICK)
    (tmp_path / "request.json").write_text(request.model_dump_json())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BadInputError, match=says):
        run(tmp_path / "model.onnx", tmp_path / "request.json", tmp_path / output)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_second_profiler_waits_for_the_first_or_refuses_without_a_wait(tmp_path: Path) -> None:
    """The request says how long, and `--wait` replaces it."""
    model = write_network(tmp_path / "model.onnx")
    path = tmp_path / "request.json"
    waiting = Request(target_name="here", target=Target(runtime="onnxruntime"), settings=QUICK)
    path.write_text(waiting.model_dump_json())
    arguments = [sys.executable, "-m", "profiler", str(model), str(path)]
    with alone_on_host("it"):
        refused = subprocess.run(
            [*arguments, "--wait", "0"], cwd=tmp_path, env=environment(), capture_output=True, text=True
        )
        second = subprocess.Popen(arguments, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
        assert second.stderr is not None
        line = second.stderr.readline()
    _, errors = second.communicate(timeout=240)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"profiler: the profiler on this host is in use by process {os.getpid()}: wait")
    assert line.startswith(f"the profiler on this host is in use by process {os.getpid()}: this run waits 86,400 s")
    assert (second.returncode, errors) == (0, "")
    assert (tmp_path / "profile.json").exists()
