"""`dnn-porting monitor`: a record of a process that runs, and one line where there is none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from porting.commands import monitor_process
from profiler.common.errors import BadInputError
from profiler.system.monitor.monitor import Snapshot

SLEEPING = [sys.executable, "-c", "import time; time.sleep({})"]


def test_it_records_the_features_of_a_process_and_shows_their_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "monitor.jsonl"
    monitor_process.run([str(os.getpid()), "--seconds", "0.4", "--period", "0.2", "--output", str(output)])
    found = [Snapshot.model_validate_json(line) for line in output.read_text().splitlines()]
    assert len(found) == 2
    assert found[0].state.process is not None
    assert os.getpid() in found[0].state.process.pids
    shown = capsys.readouterr().out
    assert "process/memory/resident_set_size_proc_MB" in shown
    assert "features are unknown (" in shown


def test_an_unknown_feature_is_null_and_the_state_has_the_reason(tmp_path: Path) -> None:
    output = tmp_path / "monitor.jsonl"
    monitor_process.run([str(os.getpid()), "--seconds", "0.1", "--period", "0.1", "--output", str(output)])
    line = json.loads(output.read_text())
    assert line["features"]["process/memory/lib_memory_proc_MB"] is None
    assert "no longer counts" in line["state"]["process"]["reasons"]["lib_bytes"]


def test_the_record_ends_with_the_process(tmp_path: Path) -> None:
    output = tmp_path / "monitor.jsonl"
    with subprocess.Popen([*SLEEPING[:2], SLEEPING[2].format(1.0)]) as sleeping:
        monitor_process.run([str(sleeping.pid), "--seconds", "600", "--period", "0.1", "--output", str(output)])
    assert output.read_text().count("\n") >= 1


def test_a_process_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with subprocess.Popen([*SLEEPING[:2], SLEEPING[2].format(0)]) as ended:
        ended.wait()
    with pytest.raises(BadInputError, match=f"no process has the number {ended.pid}"):
        monitor_process.run([str(ended.pid), "--output", str(tmp_path / "monitor.jsonl")])
    assert not list(tmp_path.iterdir())


def test_a_period_longer_than_the_record_is_refused() -> None:
    with pytest.raises(BadInputError, match="--period 2 is longer than --seconds 1"):
        monitor_process.run([str(os.getpid()), "--seconds", "1", "--period", "2"])
