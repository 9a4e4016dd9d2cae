import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from narrowing import known
from support import environment

from profiler.common.errors import BadInputError, ServerError
from profiler.system.processes import cpu_seconds, pin, reset_peak, thread_folders, tree, usage

MIB = 2**20
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "print('ready', flush=True); import time; time.sleep(60)"])
time.sleep(60)
"""
THREADS = """
import threading, time
for _ in range(3):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("ready", flush=True)
time.sleep(60)
"""
BIG_ONCE = """
import mmap, time
block = mmap.mmap(-1, 96 << 20)
for at in range(0, 96 << 20, 4096):
    block[at] = 1
block.close()
print("ready", flush=True)
time.sleep(60)
"""

AS_NOBODY = """
import os
from profiler.system.processes import reset_peak
os.setuid(65534)
print(reset_peak(os.getppid()))
"""


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has said `ready`; it and its children are killed at the end."""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            for one in reversed(tree(process.pid)):
                one.kill()


def end(process: psutil.Process) -> None:
    """Kills it; it stays a zombie, as its parent does not wait for it."""
    process.kill()
    deadline = time.monotonic() + 10
    while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        pass
    return process.pid


def test_a_tree_is_the_root_and_its_descendants() -> None:
    with running(PARENT) as parent:
        root, child = tree(parent.pid)
        assert root.pid == parent.pid
        assert child.ppid() == parent.pid


def test_usage_is_summed_over_the_tree() -> None:
    with running(PARENT) as parent:
        whole, single = usage(parent.pid), psutil.Process(parent.pid).memory_info().rss
    assert whole.processes == 2
    assert whole.rss_bytes > single * 1.5
    assert known(whole.uss_bytes) < known(whole.pss_bytes) < whole.rss_bytes <= known(whole.peak_bytes)
    assert known(whole.involuntary_switches) >= 0


def test_cpu_time_is_counted() -> None:
    start = time.process_time()
    before = usage(os.getpid()).cpu_s, cpu_seconds(os.getpid())
    while time.process_time() - start < 0.2:
        pass
    spent = time.process_time() - start
    after = usage(os.getpid()).cpu_s, cpu_seconds(os.getpid())
    # The kernel counts in hundredths of a second, at both ends.
    assert [end - begin for begin, end in zip(before, after, strict=True)] == pytest.approx([spent] * 2, abs=0.05)


def test_the_peak_remembers_what_was_given_back_until_it_is_reset() -> None:
    with running(BIG_ONCE) as process:
        before = usage(process.pid)
        if reason := reset_peak(process.pid):
            pytest.skip(reason)
        after = usage(process.pid)
    assert known(before.peak_bytes) - before.rss_bytes > 80 * MIB
    assert known(after.peak_bytes) - after.rss_bytes < 16 * MIB


def test_a_peak_that_cannot_be_reset_is_told_with_the_reason() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become a user who may not reset the peak of this process")
    asked = subprocess.run([sys.executable, "-c", AS_NOBODY], env=environment(), capture_output=True, text=True)
    assert f"the peak memory of process {os.getpid()} cannot be reset" in asked.stdout


def test_every_thread_of_the_tree_is_bound() -> None:
    core = min(os.sched_getaffinity(0))
    with running(THREADS) as process:
        pin(process.pid, [core])
        threads = [int(folder.name) for folder in thread_folders(process.pid)]
        assert len(threads) == 4
        assert all(os.sched_getaffinity(thread) == {core} for thread in threads)


def test_children_are_bound_too() -> None:
    core = max(os.sched_getaffinity(0))
    with running(PARENT) as parent:
        pin(parent.pid, [core])
        assert [one.cpu_affinity() for one in tree(parent.pid)] == [[core], [core]]


def test_cores_that_the_machine_has_not_are_refused() -> None:
    with running(THREADS) as process, pytest.raises(BadInputError, match="9999"):
        pin(process.pid, [9999])


def test_a_tree_that_has_ended_is_empty_and_harmless() -> None:
    pid = ended_process()
    assert tree(pid) == []
    assert reset_peak(pid) is None
    pin(pid, [0])
    with pytest.raises(ServerError, match=str(pid)):
        usage(pid)


@pytest.mark.parametrize("question", [psutil.Process.cpu_times, psutil.Process.memory_full_info])
def test_a_process_that_ends_in_the_middle_is_left_out(
    monkeypatch: pytest.MonkeyPatch, question: Callable[[psutil.Process], object]
) -> None:
    with running(PARENT) as parent:
        child = tree(parent.pid)[1]

        def ends(process: psutil.Process) -> object:
            if process.pid == child.pid:
                end(child)
            return question(process)

        monkeypatch.setattr(psutil.Process, question.__name__, ends)
        assert usage(parent.pid).processes == 1
