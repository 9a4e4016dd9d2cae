"""Counters of the whole machine and of the measured processes, as psutil reports them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from profiler.records.base import total, unknown
from profiler.system.monitor.system_state import CpuState, DiskState, MemoryState, NetworkState, ProcessState
from profiler.system.processes import thread_switches

MEMORY = ("rss", "vms", "shared", "text", "data")
NO_LONGER_COUNTED = "Linux no longer counts it and has reported 0 since version 2.6 (proc(5), statm)"


def cpu_state() -> CpuState:
    """The counters and the load of the processor."""
    counters, cores = psutil.cpu_stats(), psutil.cpu_count() or 1
    load_1min, load_5min, load_15min = (load / cores for load in psutil.getloadavg())
    return CpuState(
        switches=counters.ctx_switches,
        interrupts=counters.interrupts,
        soft_interrupts=counters.soft_interrupts,
        load_1min_per_core=load_1min,
        load_5min_per_core=load_5min,
        load_15min_per_core=load_15min,
    )


def memory_state() -> MemoryState:
    """The machine's memory."""
    memory = psutil.virtual_memory()
    sizes = {f"{name}_bytes": getattr(memory, name) for name in ("total", "available", "used")}
    return MemoryState(**sizes, used_share=memory.percent / 100)


def disk_state() -> DiskState | None:
    """The counters of all disks, `None` where the system has none, as in some containers."""
    counters = psutil.disk_io_counters()
    if counters is None:
        return None
    times_s = {
        f"{name}_s": None if (time_ms := getattr(counters, f"{name}_time", None)) is None else time_ms / 1e3
        for name in ("read", "write", "busy")
    }
    return DiskState(
        reads=counters.read_count,
        writes=counters.write_count,
        read_bytes=counters.read_bytes,
        written_bytes=counters.write_bytes,
        reasons=unknown(times_s, "this system does not time its disks"),
        **times_s,
    )


def network_state() -> NetworkState | None:
    """The counters of all interfaces, `None` where there is none."""
    counters = psutil.net_io_counters()
    return counters and NetworkState(sent_bytes=counters.bytes_sent, received_bytes=counters.bytes_recv)


def process_state(processes: Sequence[psutil.Process]) -> ProcessState | None:
    """The processes' figures, summed; `None` where all have ended."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found.append((process.pid, figures(process)))
    if not found:
        return None
    values: dict[str, Any] = {name: total([one[name] for _, one in found]) for name in found[0][1]}
    reasons = {
        **unknown(values, "this system does not report it for a process"),
        "lib_bytes": NO_LONGER_COUNTED,
        "dirty_bytes": NO_LONGER_COUNTED,
    }
    return ProcessState(pids=[pid for pid, _ in found], lib_bytes=None, dirty_bytes=None, reasons=reasons, **values)


def figures(process: psutil.Process) -> dict[str, Any]:
    """One process's figures by the names of `ProcessState`; raises `psutil.NoSuchProcess` where it has ended."""
    times, memory = process.cpu_times(), process.memory_info()
    if memory.vms == 0:  # A zombie: /proc lists it until its parent reads the exit code.
        raise psutil.ZombieProcess(process.pid)
    switches = thread_switches(process.pid)
    voluntary, involuntary = zip(*switches.values(), strict=True) if switches else ((None,), (None,))
    main_voluntary, main_involuntary = switches.get(process.pid, (None, None))
    return {
        "cpu_s": times.user + times.system,
        "voluntary_switches": total(voluntary),
        "involuntary_switches": total(involuntary),
        "main_thread_voluntary_switches": main_voluntary,
        "main_thread_involuntary_switches": main_involuntary,
        **{f"{name}_bytes": getattr(memory, name, None) for name in MEMORY},
    }
