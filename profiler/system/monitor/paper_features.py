"""The features of the GPU warm-up paper's monitor, by its names, computed from snapshots.

The names are those of github.com/cirquit/py-hardware-monitor. The paper counts 164 features with one GPU. The script
has 48 and one for each key of `torch.cuda.memory_stats()`: 119 with torch 2.0, the oldest that it supports, so 167
and more. This table has all of them, so it contains any choice of 164.
"""

from dataclasses import dataclass
from typing import Any

from profiler.system.monitor.allocator import GAUGE, NUMBERS, OF_ALL, OF_POOLS, POOLS
from profiler.system.monitor.change import StateChange
from profiler.system.monitor.system_state import SystemState

PERCENT, PER_MB, PER_MIB, MBIT_PER_BYTE = 100.0, 1e-6, 2.0**-20, 8e-6


@dataclass(frozen=True)
class Feature:
    """The path of a field, and the factor that turns it into the paper's unit.

    A path begins at a snapshot (`state`), at the change since the run began (`run`), or since the last one (`last`).
    """

    path: str
    factor: float = 1.0


HOST = {
    "cpu/interrupts/ctx_switches_count": Feature("run.switches"),
    "cpu/interrupts/interrupts_count": Feature("run.interrupts"),
    "cpu/interrupts/soft_interrupts_count": Feature("run.soft_interrupts"),
    "cpu/load/avg_sys_load_one_min_percent": Feature("state.cpu.load_1min_per_core", PERCENT),
    "cpu/load/avg_sys_load_five_min_percent": Feature("state.cpu.load_5min_per_core", PERCENT),
    "cpu/load/avg_sys_load_fifteen_min_percent": Feature("state.cpu.load_15min_per_core", PERCENT),
    "memory/available_memory_sys_MB": Feature("state.memory.available_bytes", PER_MB),
    "memory/used_memory_sys_MB": Feature("state.memory.used_bytes", PER_MB),
    "memory/used_memory_sys_percent": Feature("state.memory.used_share", PERCENT),
    "disk/counter/disk_read_sys_count": Feature("run.disk_reads"),
    "disk/counter/disk_write_sys_count": Feature("run.disk_writes"),
    "disk/time/disk_read_time_sys_s": Feature("run.disk_read_s"),
    "disk/time/disk_write_time_sys_s": Feature("run.disk_write_s"),
    "disk/time/disk_busy_time_sys_s": Feature("run.disk_busy_s"),
    "bandwidth/disk_read_sys_bandwidth_MBs": Feature("last.disk_read_bytes_per_s", PER_MB),
    "bandwidth/disk_write_sys_bandwidth_MBs": Feature("last.disk_written_bytes_per_s", PER_MB),
    "bandwidth/net_sent_sys_bandwidth_Mbits": Feature("last.network_sent_bytes_per_s", MBIT_PER_BYTE),
    "bandwidth/net_recv_sys_bandwidth_Mbits": Feature("last.network_received_bytes_per_s", MBIT_PER_BYTE),
}
# The paper's switches are the main thread's, and its count of dirty pages is in bytes.
PROCESS = {
    "process/voluntary_proc_ctx_switches": Feature("state.process.main_thread_voluntary_switches"),
    "process/involuntary_proc_ctx_switches": Feature("state.process.main_thread_involuntary_switches"),
    "process/memory/resident_set_size_proc_MB": Feature("state.process.rss_bytes", PER_MB),
    "process/memory/virtual_memory_size_proc_MB": Feature("state.process.vms_bytes", PER_MB),
    "process/memory/shared_memory_proc_MB": Feature("state.process.shared_bytes", PER_MB),
    "process/memory/text_resident_set_proc_MB": Feature("state.process.text_bytes", PER_MB),
    "process/memory/data_resident_set_proc_MB": Feature("state.process.data_bytes", PER_MB),
    "process/memory/lib_memory_proc_MB": Feature("state.process.lib_bytes", PER_MB),
    "process/memory/dirty_pages_proc_count": Feature("state.process.dirty_bytes"),
}
ALLOCATOR = {
    "04_agg_gpu/memory_fragmentation_ratio": Feature("state.allocator.allocated_share"),
    "04_agg_gpu/avg_segment_size_current_bytes": Feature("state.allocator.requested_bytes_per_segment"),
    "04_agg_gpu/avg_large_segment_size_current_bytes": Feature("state.allocator.requested_bytes_per_large_segment"),
    "04_agg_gpu/avg_small_segment_size_current_bytes": Feature("state.allocator.requested_bytes_per_small_segment"),
    "04_agg_gpu/avg_block_size_current_bytes": Feature("state.allocator.bytes_per_active_block"),
    "04_agg_gpu/avg_inactive_block_size_current_bytes": Feature("state.allocator.bytes_per_inactive_block"),
    "04_agg_gpu/allocation_rounding_overhead_bytes": Feature("state.allocator.rounding_overhead_bytes"),
    **{
        f"03_gpu_mem/{name}": Feature(f"state.allocator.{name}")
        for name in (
            *(f"{array}.{pool}.{part}" for array in OF_POOLS for pool in POOLS for part in GAUGE),
            *(f"{array}.{part}" for array in OF_ALL for part in GAUGE),
            *NUMBERS,
        )
    },
}
GPU = {
    "fb_total_MiB": Feature("framebuffer_total_bytes", PER_MIB),
    "fb_used_MiB": Feature("framebuffer_used_bytes", PER_MIB),
    "fb_free_MiB": Feature("framebuffer_free_bytes", PER_MIB),
    "bar1_total_MiB": Feature("bar1_total_bytes", PER_MIB),
    "bar1_used_MiB": Feature("bar1_used_bytes", PER_MIB),
    "bar1_free_MiB": Feature("bar1_free_bytes", PER_MIB),
    "gpu_util_in_percent": Feature("gpu_busy_share", PERCENT),
    "mem_util_in_percent": Feature("memory_busy_share", PERCENT),
    "temp_in_C": Feature("temperature_c"),
    "power_in_W": Feature("power_w"),
    "clocks_throttle_reason_gpu_idle": Feature("throttled_gpu_idle"),
    "clocks_throttle_reason_applications_clocks_setting": Feature("throttled_applications_clocks_setting"),
    "clocks_throttle_reason_sw_power_cap": Feature("throttled_sw_power_cap"),
    "clocks_throttle_reason_hw_slowdown": Feature("throttled_hw_slowdown"),
}


def paper_features(gpus: int) -> dict[str, Feature]:
    """The table for a machine with this number of GPUs."""
    of_gpus = {
        f"05_gpu_smi/gpu_{index}_{name}": Feature(f"state.gpus.{index}.{feature.path}", feature.factor)
        for index in range(gpus)
        for name, feature in GPU.items()
    }
    return {**HOST, **PROCESS, **(ALLOCATOR if gpus else {}), **of_gpus}


def evaluate(state: SystemState, run: StateChange, last: StateChange) -> dict[str, float | None]:
    """Every feature at one snapshot, `None` where the field is unknown; the snapshot holds the reason."""
    sides: dict[str, object] = {"state": state, "run": run, "last": last}
    table = paper_features(len(state.gpus or []))
    return {
        name: None if (value := follow(sides, feature.path)) is None else float(value) * feature.factor
        for name, feature in table.items()
    }


def follow(sides: dict[str, object], path: str) -> Any:
    """The value at the end of a path of names, keys and indices; `None` where a part of it is unknown."""
    value: Any = sides
    for step in path.split("."):
        if isinstance(value, dict):
            value = value[step]
        elif isinstance(value, list):
            value = value[int(step)]
        elif value is not None:
            value = getattr(value, step)
    return value
