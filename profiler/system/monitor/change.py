"""The change from one snapshot to a later one."""

from typing import Any

from pydantic import Field

from profiler.records.base import Record, unknown
from profiler.system.monitor.system_state import ProcessState, SystemState


class StateChange(Record):
    """Counts, times and rates over the `seconds` between two snapshots; `process_cores` of 1 is a busy core."""

    seconds: float = Field(gt=0)
    switches: int
    interrupts: int
    soft_interrupts: int
    disk_reads: int | None
    disk_writes: int | None
    disk_read_s: float | None
    disk_write_s: float | None
    disk_busy_s: float | None
    disk_read_bytes_per_s: float | None
    disk_written_bytes_per_s: float | None
    network_sent_bytes_per_s: float | None
    network_received_bytes_per_s: float | None
    process_cores: float | None
    voluntary_switches: int | None
    involuntary_switches: int | None


def change(before: SystemState, after: SystemState) -> StateChange:
    """The counts and rates between two snapshots of the same machine and processes."""
    seconds = after.at_s - before.at_s

    def per_second(part: str, name: str) -> float | None:
        count = gained(getattr(before, part), getattr(after, part), name)
        return None if count is None else count / seconds

    disk = ("reads", "writes", "read_s", "write_s", "busy_s")
    values = {
        **{f"disk_{name}": gained(before.disk, after.disk, name) for name in disk},
        **{f"disk_{name}_per_s": per_second("disk", name) for name in ("read_bytes", "written_bytes")},
        **{f"network_{name}_per_s": per_second("network", name) for name in ("sent_bytes", "received_bytes")},
        **process_change(before.process, after.process, seconds),
    }
    return StateChange(
        seconds=seconds,
        switches=after.cpu.switches - before.cpu.switches,
        interrupts=after.cpu.interrupts - before.cpu.interrupts,
        soft_interrupts=after.cpu.soft_interrupts - before.cpu.soft_interrupts,
        reasons=unknown(values, "a snapshot has no such counter, or a process or thread ended between them"),
        **values,
    )


def gained(before: Any, after: Any, name: str) -> Any:
    """The rise of a counter, `None` where one of the two states does not have it."""
    first, last = (getattr(side, name, None) for side in (before, after))
    return None if first is None or last is None else last - first


def process_change(before: ProcessState | None, after: ProcessState | None, seconds: float) -> dict[str, Any]:
    """The fields of a `StateChange` about processes, unknown where a process or many threads ended."""
    if before is None or after is None or not set(before.pids) <= set(after.pids):
        return dict.fromkeys(("process_cores", "voluntary_switches", "involuntary_switches"))
    switches = {f"{way}_switches": gained(before, after, f"{way}_switches") for way in ("voluntary", "involuntary")}
    return {
        "process_cores": (after.cpu_s - before.cpu_s) / seconds,
        **{name: count if count is None or count >= 0 else None for name, count in switches.items()},
    }
