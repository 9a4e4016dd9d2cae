"""One clock joins journal, clients and probe, and loops tick once a second."""

import os
import subprocess
import sys
import threading
import time

import pytest

from orchestrators.live import clock
from orchestrators.live.clock import UNIX_S_AT_ZERO, drive, running_loops, unix_s
from orchestrators.live.stalls import PROBE, read_delays

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
        (first,) = read_delays(process.stdout.readline())
        process.kill()
    assert abs(first.second - (unix_s() - HOUR_S)) < 60


def test_ticks_come_at_their_interval_and_those_that_a_long_one_covers_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "INTERVAL_S", 0.2)
    stop, ticks = threading.Event(), []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 2:
            threading.Event().wait(0.7)
        if len(ticks) == 4:
            stop.set()

    drive(tick, stop)
    assert len(ticks) == 4


def test_loops_go_on_beside_each_other_until_the_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "INTERVAL_S", 0.02)
    counts = [0, 0]

    def counting(place: int) -> None:
        counts[place] += 1

    with running_loops([lambda: counting(0), lambda: counting(1)]) as under_way:
        under_way.wait(0.5)
    ended = list(counts)
    threading.Event().wait(0.1)
    assert min(ended) > 2
    assert counts == ended


def test_the_error_of_a_loop_ends_the_waiting_and_stops_the_others() -> None:
    def failing() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), running_loops([lambda: None, failing]) as under_way:
        under_way.wait()
