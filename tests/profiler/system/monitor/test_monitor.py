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
from profiler.system.monitor.monitor import Monitor, StateReader
from profiler.system.monitor.system_state import SystemState
from profiler.system.processes import tree

pytestmark = pytest.mark.alone

BUSY = "while True: pass"


def own_reader() -> StateReader:
    return StateReader(tree(os.getpid()))


def read() -> SystemState:
    with own_reader() as reader:
        return reader.read()


def no_monitor_is_left() -> bool:
    return all(thread.name != "monitor" for thread in threading.enumerate())


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
        with StateReader(tree(busy.pid)) as reader:
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
        with StateReader([*tree(os.getpid()), psutil.Process(busy.pid)]) as reader:
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
    with StateReader(processes) as reader:
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
        with StateReader([process]) as reader:
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


def test_it_samples_before_meanwhile_and_after() -> None:
    with Monitor(own_reader(), period_s=0.05) as monitor:
        assert len(monitor.samples) >= 1
        time.sleep(0.3)
    times = [sample.at_s for sample in monitor.samples]
    assert times == sorted(times)
    assert 4 <= len(times) <= 9


def test_it_stops_with_its_block_also_where_that_fails() -> None:
    with pytest.raises(RuntimeError, match="the body's own"), Monitor(own_reader(), period_s=60):
        raise RuntimeError("the body's own")
    assert no_monitor_is_left()


def test_what_goes_wrong_while_sampling_is_raised_at_the_end() -> None:
    def broken() -> AllocatorState:
        raise ValueError("no allocator")

    reader = StateReader(tree(os.getpid()), broken)
    with pytest.raises(ValueError, match="no allocator"), Monitor(reader, period_s=0.01):
        time.sleep(0.05)
    assert no_monitor_is_left()


def test_its_own_cost_is_below_one_percent_of_a_core() -> None:
    with Monitor(own_reader()) as monitor:
        time.sleep(3.2)
    assert len(monitor.samples) >= 4
    assert monitor.own_cores is not None
    assert 0 < monitor.own_cores < 0.01
