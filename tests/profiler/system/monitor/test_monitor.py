import os
import subprocess
import sys
import threading
import time

import psutil
import pytest
from narrowing import known

from profiler.system.monitor.allocator import AllocatorState
from profiler.system.monitor.change import change
from profiler.system.monitor.monitor import Monitor, StateReader, snapshots
from profiler.system.monitor.system_state import SystemState
from profiler.system.processes import tree

pytestmark = pytest.mark.alone

BUSY = "while True: pass"


def own_reader() -> StateReader:
    return StateReader(lambda: tree(os.getpid()))


def read() -> SystemState:
    with own_reader() as reader:
        return reader.read()


def test_a_snapshot_agrees_with_psutil() -> None:
    state, memory = read(), psutil.virtual_memory()
    assert state.memory.total_bytes == memory.total
    assert state.process is not None
    own = [psutil.Process(), *psutil.Process().children(recursive=True)]
    assert state.process.pids == [one.pid for one in own]
    assert state.process.rss_bytes == pytest.approx(sum(one.memory_info().rss for one in own), rel=0.1)


def test_snapshots_survive_json() -> None:
    state = read()
    assert SystemState.model_validate_json(state.model_dump_json()) == state


def test_switches_are_those_of_all_threads() -> None:
    waiting = threading.Event()
    thread = threading.Thread(target=lambda: [waiting.wait(0.001) for _ in range(100)])
    before = read()
    thread.start()
    time.sleep(0.08)
    after = read()
    thread.join()
    seen = change(before, after).voluntary_switches
    main_before, main_after = (known(one.process).main_thread_voluntary_switches for one in (before, after))
    assert known(seen) > (known(main_after) - known(main_before)) + 20


@pytest.mark.quiet
def test_the_cpu_time_of_the_processes_is_told_in_cores() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
        with StateReader(lambda: tree(busy.pid)) as reader:
            before = reader.read()
            time.sleep(0.5)
            after = reader.read()
        busy.kill()
    assert 0.2 < known(change(before, after).process_cores) < 1.2


def test_counts_between_two_snapshots_grow() -> None:
    before = read()
    time.sleep(0.05)
    between = change(before, read())
    assert between.seconds > 0
    assert between.switches > 0
    assert between.interrupts > 0


def test_a_process_that_ended_makes_its_counts_unknown_and_no_others() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
        processes = [*tree(os.getpid()), psutil.Process(busy.pid)]
        with StateReader(lambda: processes) as reader:
            before = reader.read()
            busy.kill()
            busy.wait()
            after = reader.read()
    between = change(before, after)
    assert set(between.reasons) == {"process_cores", "voluntary_switches", "involuntary_switches"}
    assert "ended" in between.reasons["process_cores"]


def test_without_a_living_process_the_rest_is_told() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
        processes = tree(busy.pid)
        busy.kill()
    with StateReader(lambda: processes) as reader:
        state = reader.read()
    assert state.process is None
    assert state.reasons["process"] == "the measured processes have ended"
    assert state.cpu.switches > 0


def test_a_process_that_nobody_has_waited_for_yet_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
        process = psutil.Process(busy.pid)
        busy.kill()
        deadline = time.monotonic() + 10
        while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.01)
        with StateReader(lambda: [process]) as reader:
            assert reader.read().process is None


@pytest.mark.parametrize(("source", "field"), [("disk_io_counters", "disk"), ("net_io_counters", "network")])
def test_counters_that_the_system_does_not_tell_are_unknown(
    monkeypatch: pytest.MonkeyPatch, source: str, field: str
) -> None:
    before = read()
    monkeypatch.setattr(psutil, source, lambda: None)
    after = read()
    assert getattr(after, field) is None
    assert "no" in after.reasons[field]
    assert {name.partition("_")[0] for name in change(before, after).reasons} == {field}


def test_a_snapshot_has_the_features_by_the_names_of_the_paper() -> None:
    found = list(snapshots(lambda: tree(os.getpid()), period_s=0.05, seconds=0.15))
    assert [one.state.at_s for one in found] == sorted(one.state.at_s for one in found)
    assert len(found) == 3
    assert all(one.features["process/memory/resident_set_size_proc_MB"] for one in found)
    assert known(found[-1].features["cpu/interrupts/ctx_switches_count"]) > 0


def test_the_record_ends_with_the_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.4)"]) as sleeping:
        found = list(snapshots(lambda: tree(sleeping.pid), period_s=0.1, seconds=60))
    assert found


def test_counts_are_since_the_first_reading_and_rates_since_the_last() -> None:
    with own_reader() as reader:
        monitor = Monitor(reader)
        first = monitor.snapshot()
        for _ in range(50):
            time.sleep(0.001)
        monitor.mark()
        second = monitor.snapshot()
    name = "cpu/interrupts/ctx_switches_count"
    assert known(second.features[name]) > known(first.features[name])


def test_an_error_of_the_allocator_is_raised() -> None:
    def broken() -> AllocatorState:
        raise ValueError("no allocator")

    with StateReader(lambda: tree(os.getpid()), broken) as reader, pytest.raises(ValueError, match="no allocator"):
        Monitor(reader)


def test_its_own_cost_is_below_one_percent_of_a_core() -> None:
    before_s = time.thread_time()
    assert len(list(snapshots(lambda: tree(os.getpid()), period_s=1.0, seconds=3.0))) == 3
    assert 0 < (time.thread_time() - before_s) / 3 < 0.01
