"""First inferences are observed in fresh processes; a later run continues, and programs may fail."""

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import psutil
import pytest
import torch
from first_inferences import observation, size
from support import environment
from torch import nn

from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.files import sha256
from profiler.common.locks import alone_on_host
from profiler.common.target import Target
from profiler.warm_up import collect as collecting
from profiler.warm_up.collect import LINE, Program, collect, drop_partial_line, read_observations
from profiler.warm_up.observations import FailedObservation

TARGET = Target(runtime="torch")
SHAPE = (1, 8, 8)
WAIT_S = 60.0


class Endless(nn.Module):
    """Never answers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        while x.shape[0] > 0:
            x = x + 1
        return x


class NotFinite(nn.Module):
    """Answers NaN."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * float("nan")


def program(name: str, model: nn.Module, folder: Path) -> Program:
    path = folder / f"{name}.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.script(model), str(path))
    return Program(name, path, SHAPE, size(width=4, layers=1))


@pytest.fixture
def works(tmp_path: Path) -> Program:
    layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return program("works", layers, tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "results" / "observations.jsonl"


def run(programs: list[Program], file: Path, batches: tuple[int, ...] = (1, 3), repeats: int = 1) -> list[int]:
    """The number of observations after each piece."""
    return [done for done, _ in collect(programs, batches, repeats, TARGET, file)]


def failures(file: Path) -> dict[str, str]:
    """The reasons by variant."""
    lines = [LINE.validate_json(line) for line in file.read_bytes().splitlines()]
    return {line.variant: line.reason for line in lines if isinstance(line, FailedObservation)}


def test_each_batch_of_each_repeat_is_observed_with_the_state_before_it(works: Program, file: Path) -> None:
    assert run([works], file, repeats=2) == [0, 4]
    found = read_observations(file)
    assert {(one.batch, one.repeat) for one in found} == {(1, 0), (3, 0), (1, 1), (3, 1)}
    for one in found:
        assert one.state.process is not None
        assert one.state.process.rss_bytes > 0
        assert one.first_ms > one.warm_ms
    pids = {tuple(one.state.process.pids) for one in found if one.state.process}
    assert len(pids) == len(found), "two observations shared a process"


def earlier(works: Program, batch: int) -> str:
    """A line of an earlier run."""
    line = observation("works", works.size, batch, first_ms=30.0, sha256=sha256(works.path))
    return line.model_dump_json() + "\n"


def test_a_second_run_observes_only_what_is_missing(works: Program, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(earlier(works, batch=1))
    assert run([works], file, batches=(1, 3)) == [1, 2]
    assert file.read_text().startswith(earlier(works, batch=1))
    assert run([works], file, batches=(1, 3)) == [2]


def test_a_half_written_line_is_dropped(works: Program, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(earlier(works, batch=1) + earlier(works, batch=3)[:-20])
    with pytest.raises(BadInputError):
        read_observations(file)
    drop_partial_line(file)
    assert file.read_text() == earlier(works, batch=1)


def test_what_failed_is_tried_again(works: Program, file: Path) -> None:
    file.parent.mkdir()
    failed = FailedObservation(variant="works", batch=1, repeat=0, reason="the machine was too busy")
    file.write_text(failed.model_dump_json() + "\n")
    assert run([works], file, batches=(1,)) == [0, 1]
    assert len(read_observations(file)) == 1


def test_programs_that_fail_are_told_and_the_others_kept(works: Program, file: Path, tmp_path: Path) -> None:
    broken = Program("broken", tmp_path / "broken.pt", SHAPE, works.size)
    broken.path.write_bytes(b"not a program")
    unfit = Program("unfit", works.path, (7, 8, 8), works.size)
    sick = program("sick", NotFinite(), tmp_path)
    run([broken, works, unfit, sick], file, batches=(1,))
    assert [one.variant for one in read_observations(file)] == ["works"]
    found = failures(file)
    assert set(found) == {"broken", "unfit", "sick"}
    assert "no readable TorchScript program" in found["broken"]
    assert "7 channels" in found["unfit"]
    assert "NaN" in found["sick"]


def test_a_program_that_never_answers_ends_at_its_limit(
    works: Program, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "OBSERVATION_LIMIT_S", 2.0)
    run([program("endless", Endless(), tmp_path), works], file, batches=(1,))
    assert failures(file) == {"endless": "it took longer than 2 s"}
    assert [one.variant for one in read_observations(file)] == ["works"]


def test_observing_that_cannot_start_says_why(works: Program, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DnnPortingError, match="observing first inferences ended with 1: it printed nothing"):
        run([works], file)


def test_without_torch_the_extra_is_named(works: Program, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BadInputError, match=r"pip install 'dnn-porting\[porting\]'"):
        run([works], file)


def test_another_file_is_not_taken_for_observations(works: Program, file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"something": "else"}\n')
    with pytest.raises(BadInputError, match="does not contain first inferences: remove it"):
        run([works], file)


def test_one_measures_on_a_host_at_a_time(works: Program, file: Path) -> None:
    with alone_on_host("the profiler"), pytest.raises(BadInputError, match="in use by process"):
        run([works], file)


def test_nothing_goes_on_after_the_caller_was_killed(file: Path, tmp_path: Path) -> None:
    endless = program("endless", Endless(), tmp_path)
    code = (
        "from pathlib import Path\n"
        "from profiler.warm_up.observations import NetworkSize\n"
        "from profiler.common.target import Target\n"
        "from profiler.warm_up import collect as c\n"
        "size = NetworkSize(parameters=1, macs=1, file_bytes=1, layers=1, activation_bytes=1)\n"
        f"p = c.Program('endless', Path({str(endless.path)!r}), {SHAPE}, size)\n"
        f"list(c.collect([p], (1,), 1, Target(runtime='torch'), Path({str(file)!r})))\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", code], env=environment())
    below = eventually(lambda: descendants(caller.pid), at_least=2)
    os.kill(caller.pid, signal.SIGKILL)
    caller.wait(WAIT_S)
    _, alive = psutil.wait_procs(below, timeout=WAIT_S)
    assert not alive


def descendants(pid: int) -> list[psutil.Process]:
    """The observing process and the observed one."""
    return psutil.Process(pid).children(recursive=True)


def eventually(look: object, at_least: int) -> list[psutil.Process]:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found: list[psutil.Process] = look()  # type: ignore[operator]
        if len(found) >= at_least:
            return found
        time.sleep(0.05)
    pytest.fail(f"fewer than {at_least} processes after {WAIT_S} s")
