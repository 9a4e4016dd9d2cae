"""Stalls of the machine: what counts as one, and that the probe feels it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

import psutil
import pytest

from orchestrators.live.clock import unix_s
from orchestrators.live.stalls import PROBE, Delay, read_delays, stall_probe, stalls
from profiler.common.errors import DnnPortingError
from profiler.system.machine import pinned

pytestmark = pytest.mark.alone

CALM_S = 0.004


def has_priority() -> bool:
    """Whether this process may take real-time priority."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


WITH_PRIORITY = pytest.mark.skipif(not has_priority(), reason="the system gives this user no real-time priority")


def core(*held_s: float, stolen_s: Sequence[float] | None = None) -> list[Delay]:
    """A core's seconds from 100 on."""
    stolen = stolen_s or [0.0] * len(held_s)
    return [Delay(100 + place, *pair) for place, pair in enumerate(zip(held_s, stolen, strict=True))]


def probes() -> list[psutil.Process]:
    """Those that this process started."""
    return [one for one in psutil.Process().children() if str(PROBE) in one.cmdline()]


def seconds(*cores: list[Delay]) -> list[int]:
    return [one.second for one in stalls(cores)]


def test_a_second_in_which_the_probe_was_held_up_much_longer_than_usual_is_a_stall() -> None:
    assert seconds(core(CALM_S, CALM_S, 0.3, CALM_S, 0.05)) == [102, 104]


def test_less_than_50_ms_is_none() -> None:
    assert seconds(core(CALM_S, 0.035, CALM_S, 0.049, CALM_S)) == []


def test_a_machine_that_is_always_held_up_does_not_stall() -> None:
    assert seconds(core(0.2, 0.25, 0.2, 0.3, 0.2)) == []
    assert seconds(core(0.02, 0.02, 0.09, 0.11, 0.02)) == [103]


def test_time_that_the_hypervisor_took_is_a_stall_too() -> None:
    assert seconds(core(*[CALM_S] * 4, stolen_s=[0, 0.02, 0.06, 0])) == [102]


def test_one_core_is_enough_and_a_second_counts_once() -> None:
    found = stalls([core(CALM_S, 0.1, CALM_S), core(CALM_S, 0.4, CALM_S, stolen_s=[0, 0.2, 0]), core()])
    assert [(one.second, one.held_s, one.stolen_s) for one in found] == [(101, 0.4, 0.2)]


def test_a_line_that_is_half_written_is_left_out() -> None:
    assert read_delays("100 0.004 0.0\n101 0.3 0.0\n102 0.0") == [Delay(100, 0.004, 0.0), Delay(101, 0.3, 0.0)]


@WITH_PRIORITY
def test_the_probe_comes_before_whatever_else_its_core_does() -> None:
    with stall_probe([min(os.sched_getaffinity(0))]) as probe:
        (process,) = probes()
        while not probe() and os.sched_getscheduler(process.pid) != os.SCHED_FIFO:
            time.sleep(0.02)
        assert os.sched_getscheduler(process.pid) == os.SCHED_FIFO


@WITH_PRIORITY
def test_a_probe_that_has_to_wait_for_servers_and_clients_calls_no_time_held_up() -> None:
    core = min(os.sched_getaffinity(0))
    probe = [sys.executable, "-S", "-E", str(PROBE), str(os.getpid()), str(core), "0"]
    command = ["setpriv", "--bounding-set=-sys_nice", *probe]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        process.send_signal(signal.SIGCONT)
        (second,) = read_delays(process.stdout.readline())
        process.kill()
    assert second.held_s == 0


@WITH_PRIORITY
def test_the_probe_feels_that_its_core_was_taken_away() -> None:
    with stall_probe([min(os.sched_getaffinity(0))]) as probe:
        (process,) = probes()
        time.sleep(2.5)
        # From the beginning of a second, so that it lies in this one alone.
        time.sleep(1.1 - unix_s() % 1)
        process.send_signal(signal.SIGSTOP)
        stopped = unix_s()
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        time.sleep(1.6)
        found = probe()
    (stall,) = (one for one in found if one.second == int(stopped))
    assert stall.held_s > 0.4
    assert not process.is_running()


def test_the_cores_of_the_server_are_watched_also_by_a_client_that_is_bound_to_others() -> None:
    every = os.sched_getaffinity(0)
    with pinned([min(every)]), stall_probe():
        watched = {int(one.cmdline()[-2]) for one in probes()}
        assert os.sched_getaffinity(0) == {min(every)}
    assert watched >= every


def test_a_core_that_there_is_not_is_named() -> None:
    with ExitStack() as stack:
        stack.enter_context(stall_probe([9999]))
        (process,) = probes()
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.02)
        with pytest.raises(DnnPortingError, match="the probe for stalls of core 9999 ended by itself"):
            stack.close()


def test_a_probe_whose_parent_died_before_it_began_ends_at_once() -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    command = [sys.executable, "-S", "-E", str(PROBE), str(gone.pid), str(min(os.sched_getaffinity(0))), "0"]
    assert subprocess.run(command, timeout=20).returncode == 0
