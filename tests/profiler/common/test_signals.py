"""SIGTERM and SIGHUP end a command as Ctrl-C does, wherever it is: one line, 128 + the signal, nothing left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from support import environment

LINE = "interrupted: a test"
# What cleans up, starts a child in a group of its own, and then works.
COMMAND = """
import subprocess, sys, threading, time
from profiler.common.ending import explained, guarded
from profiler.common.scratch import scratch
from profiler.common.signals import Interruption

interruption = Interruption("interrupted: a test")
interruption.listen()

def work():
    with scratch("test") as place:
        child = subprocess.Popen(["sleep", "600"], process_group=0)
        try:
            print(child.pid, place.folder, flush=True)
{work}
        finally:
{cleaning}

code = guarded("test", interruption, work, explained)
interruption.finish()
sys.exit(code)
"""
SLEEPING = "time.sleep(600)"
STUCK = "import ctypes; ctypes.CDLL(None).sleep(600)"
# `pause` returns to Python when a signal was handled, and is called again.
DEAF = """
import ctypes
def deaf():
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            pass
deaf()
"""
# Hears of no signal for a second or more, as a library that computes.
BUSY = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 4_000_000); time.sleep(600)"
PATIENT = "import profiler.common.signals as s; s.NOTICE_S = 60.0\n"
# Is there when Python has given up its handlers.
LATE = """
class Late:
    def __del__(self, sleep=__import__("time").sleep):
        sleep(1.5)
late = Late()
"""
CLEAN = "child.kill(); child.wait()"
SLOW = f"time.sleep(0.7); {CLEAN}"


@contextmanager
def running(work: str, cleaning: str = CLEAN, before: str = "") -> Iterator[tuple["subprocess.Popen[str]", int, Path]]:
    """The process, its child's number and its temporary folder."""
    indent = "\n".join(f"            {line}" for line in work.strip().splitlines())
    code = before + COMMAND.format(work=indent, cleaning=f"            {cleaning}")
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        child, folder = process.stdout.readline().split()
        try:
            yield process, int(child), Path(folder)
        finally:
            process.kill()


def check_nothing_is_left(process: "subprocess.Popen[str]", child: int, folder: Path, number: int) -> None:
    _, errors = process.communicate(timeout=60)
    assert errors == f"{LINE}\n"
    assert process.returncode == 128 + number
    assert not folder.exists()
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("work", [SLEEPING, STUCK], ids=["in Python", "in a library"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_and_leaves_nothing(number: int, work: str) -> None:
    with running(work) as (process, child, folder):
        time.sleep(0.3)
        start = time.monotonic()
        process.send_signal(number)
        check_nothing_is_left(process, child, folder, number)
        # Two on a quiet machine.
        assert time.monotonic() - start < 8


@pytest.mark.parametrize("second_s", [0.0, 0.3])
def test_a_second_signal_interrupts_no_cleaning_up(second_s: float) -> None:
    with running(SLEEPING, SLOW) as (process, child, folder):
        time.sleep(0.3)
        for pause_s in (second_s, 0.1, 0.0):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(pause_s)
        check_nothing_is_left(process, child, folder, signal.SIGINT)


def test_a_signal_while_python_itself_leaves_changes_nothing() -> None:
    with running(SLEEPING, before=LATE) as (process, _child, folder):
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert process.stderr.readline().strip() == LINE
        # Python's own handlers are gone by then.
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 128 + signal.SIGHUP
        assert not folder.exists()


def test_an_import_that_swallows_the_interruption_is_ended_at_once(tmp_path: Path) -> None:
    (tmp_path / "swallows.py").write_text(
        "import time\ntry:\n    time.sleep(600)\nexcept BaseException:\n    pass\ntime.sleep(600)\n"
    )
    with running(f"sys.path.insert(0, {str(tmp_path)!r}); import swallows") as (process, child, folder):
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        check_nothing_is_left(process, child, folder, signal.SIGINT)


def test_the_exit_code_tells_of_the_signal_that_came_first() -> None:
    with running(BUSY, before=PATIENT) as (process, child, folder):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        # The smaller number is what Python hears of first.
        process.send_signal(signal.SIGHUP)
        check_nothing_is_left(process, child, folder, signal.SIGTERM)


def test_a_command_that_swallows_the_interruption_ends_all_the_same() -> None:
    with running(DEAF, before="import profiler.common.signals as s; s.CLEAN_UP_S = 1.0\n") as (process, child, folder):
        time.sleep(0.3)
        process.terminate()
        check_nothing_is_left(process, child, folder, signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_ignored_signal_stays_ignored(number: signal.Signals) -> None:
    before = f"import signal; signal.signal({int(number)}, signal.SIG_IGN)\n"
    with running(SLEEPING, before=before) as (process, child, folder):
        time.sleep(0.3)
        process.send_signal(number)
        time.sleep(0.5)
        assert process.poll() is None
        process.terminate()
        check_nothing_is_left(process, child, folder, signal.SIGTERM)


def test_a_forked_process_is_ended_by_a_signal_and_its_parent_is_not() -> None:
    work = """
import multiprocessing
fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
fork.start()
time.sleep(0.3)
fork.terminate()
fork.join(20)
print(fork.exitcode, flush=True)
time.sleep(600)
"""
    with running(work) as (process, child, folder):
        assert process.stdout is not None
        assert process.stdout.readline() == "-15\n"
        time.sleep(1.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        check_nothing_is_left(process, child, folder, signal.SIGINT)
