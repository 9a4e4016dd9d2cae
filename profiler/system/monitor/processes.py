"""What the measured processes were doing."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from profiler.records.state import ProcessState
from profiler.system.missing_values import total, unknown
from profiler.system.processes import thread_switches

MEMORY = ("rss", "vms", "shared", "text", "data")
NO_LONGER_COUNTED = "Linux no longer counts it and has told 0 since version 2.6 (proc(5), statm)"


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
        **unknown(values, "this system does not tell it of a process"),
        "lib_bytes": NO_LONGER_COUNTED,
        "dirty_bytes": NO_LONGER_COUNTED,
    }
    return ProcessState(pids=[pid for pid, _ in found], lib_bytes=None, dirty_bytes=None, reasons=reasons, **values)


def figures(process: psutil.Process) -> dict[str, Any]:
    """One process's figures by the names of `ProcessState`; raises `psutil.NoSuchProcess` where it has ended."""
    times, memory = process.cpu_times(), process.memory_info()
    if memory.vms == 0:  # Ended, and its parent has not asked for its exit code yet: /proc still knows it.
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
