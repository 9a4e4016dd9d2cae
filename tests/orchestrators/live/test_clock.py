"""Journal, clients and probe are joined by one clock, which nobody sets."""

import os
import subprocess
import sys
import time

import pytest

from orchestrators.live.clock import UNIX_S_AT_ZERO, unix_s
from orchestrators.live.stalls import PROBE, felt

HOUR_S = 3600


def test_it_is_the_systems_time() -> None:
    assert abs(unix_s() - time.time()) < 60


def test_the_systems_clock_moves_no_moment_when_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before_s = unix_s()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert before_s <= unix_s() < before_s + HOUR_S


def test_the_probe_counts_its_seconds_from_where_it_is_told() -> None:
    command = [sys.executable, "-S", "-E", str(PROBE), str(os.getpid()), "0", str(UNIX_S_AT_ZERO - HOUR_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        (first,) = felt(process.stdout.readline())
        process.kill()
    assert abs(first.second - (unix_s() - HOUR_S)) < 60
