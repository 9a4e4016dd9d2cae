"""What the whole machine was doing, as psutil tells it."""

import psutil

from profiler.records.state import CpuState, DiskState, MemoryState, NetworkState
from profiler.system.missing_values import unknown


def cpu_state() -> CpuState:
    """Counters and load."""
    counters, cores = psutil.cpu_stats(), psutil.cpu_count() or 1
    load_1min, load_5min, load_15min = psutil.getloadavg()
    return CpuState(
        switches=counters.ctx_switches,
        interrupts=counters.interrupts,
        soft_interrupts=counters.soft_interrupts,
        load_1min_per_core=load_1min / cores,
        load_5min_per_core=load_5min / cores,
        load_15min_per_core=load_15min / cores,
    )


def memory_state() -> MemoryState:
    """The machine's memory."""
    memory = psutil.virtual_memory()
    return MemoryState(
        total_bytes=memory.total,
        available_bytes=memory.available,
        used_bytes=memory.used,
        used_share=memory.percent / 100,
    )


def disk_state() -> DiskState | None:
    """The counters of all disks, `None` where the system tells none, as in some containers."""
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
