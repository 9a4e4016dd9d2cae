"""The state of a machine and of the measured processes at one moment."""

from pydantic import Field

from profiler.records.base import Record
from profiler.system.monitor.allocator import AllocatorState
from profiler.system.monitor.gpu_state import GpuState


class CpuState(Record):
    """Counters since the machine started; the load is the mean number of runnable tasks per core."""

    switches: int
    interrupts: int
    soft_interrupts: int
    load_1min_per_core: float
    load_5min_per_core: float
    load_15min_per_core: float


class MemoryState(Record):
    """The machine's memory; `used_share` is the share that is not available, 0 to 1."""

    total_bytes: int
    available_bytes: int
    used_bytes: int
    used_share: float = Field(ge=0, le=1)


class DiskState(Record):
    """Counters of all disks together since the machine started."""

    reads: int
    writes: int
    read_bytes: int
    written_bytes: int
    read_s: float | None
    write_s: float | None
    busy_s: float | None


class NetworkState(Record):
    """Counters of all interfaces together, loopback included, since the machine started."""

    sent_bytes: int
    received_bytes: int


class ProcessState(Record):
    """The measured processes together, with the switches of all living threads; each one counts shared memory."""

    pids: list[int]
    cpu_s: float
    voluntary_switches: int | None
    involuntary_switches: int | None
    main_thread_voluntary_switches: int | None
    main_thread_involuntary_switches: int | None
    rss_bytes: int
    vms_bytes: int
    shared_bytes: int | None
    text_bytes: int | None
    data_bytes: int | None
    lib_bytes: int | None
    dirty_bytes: int | None


class SystemState(Record):
    """One snapshot; `at_s` is on the monotonic clock, so it compares within one boot only."""

    at_s: float
    cpu: CpuState
    memory: MemoryState
    disk: DiskState | None
    network: NetworkState | None
    process: ProcessState | None
    gpus: list[GpuState] | None
    allocator: AllocatorState | None
