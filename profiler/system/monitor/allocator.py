"""torch's CUDA allocator, from what torch tells in the measured process; no torch is needed here."""

from collections.abc import Mapping, Sequence
from typing import Any

from profiler.records.allocator_state import AllocatorState, Gauge, Pools
from profiler.system.missing_values import unknown

GAUGE = ("current", "peak", "allocated", "freed")
POOLS = ("all", "large_pool", "small_pool")
OF_POOLS = (
    *("allocation", "segment", "active", "inactive_split"),
    *("allocated_bytes", "reserved_bytes", "active_bytes", "inactive_split_bytes", "requested_bytes"),
)
OF_ALL = ("oversize_allocations", "oversize_segments")
NUMBERS = (
    *("max_split_size", "num_alloc_retries", "num_ooms"),
    *("num_sync_all_streams", "num_device_alloc", "num_device_free", "num_oom_rejections"),
)
Statistics = Mapping[str, Any]


def allocator_state(statistics: Statistics, segments: Sequence[Mapping[str, Any]]) -> AllocatorState:
    """The state from `torch.cuda.memory_stats(device)` and that device's part of `torch.cuda.memory_snapshot()`."""
    told: dict[str, Any] = {
        **{name: pools(statistics, name) for name in OF_POOLS},
        **{name: gauge(statistics, name) for name in OF_ALL},
        **{name: statistics.get(name) for name in NUMBERS},
    }
    derived: dict[str, Any] = {**per_piece(statistics), "allocated_share": allocated_share(segments)}
    reasons = {
        **unknown(told, "this version of torch does not tell it"),
        **unknown(derived, "the allocator holds nothing of that kind"),
    }
    return AllocatorState(reasons=reasons, **told, **derived)


def gauge(statistics: Statistics, name: str) -> Gauge | None:
    """The four figures of one name, `None` where torch does not tell all of them."""
    current, peak, allocated, freed = (statistics.get(f"{name}.{part}") for part in GAUGE)
    if current is None or peak is None or allocated is None or freed is None:
        return None
    return Gauge(current=current, peak=peak, allocated=allocated, freed=freed)


def pools(statistics: Statistics, name: str) -> Pools | None:
    """A gauge of each pool, `None` where torch does not tell all of them."""
    everything, large, small = (gauge(statistics, f"{name}.{pool}") for pool in POOLS)
    if everything is None or large is None or small is None:
        return None
    return Pools(all=everything, large_pool=large, small_pool=small)


def per_piece(statistics: Statistics) -> dict[str, float | None]:
    """Mean sizes now, as github.com/cirquit/py-hardware-monitor derives them, and what rounding up costs."""

    def now(name: str, pool: str = "all") -> Any:
        return statistics.get(f"{name}.{pool}.current")

    def mean(size: str, pieces: str, pool: str = "all") -> float | None:
        count = now(pieces, pool)
        return now(size, pool) / count if count and now(size, pool) is not None else None

    allocated, requested = now("allocated_bytes"), now("requested_bytes")
    return {
        "requested_bytes_per_segment": mean("requested_bytes", "segment"),
        "requested_bytes_per_large_segment": mean("requested_bytes", "segment", "large_pool"),
        "requested_bytes_per_small_segment": mean("requested_bytes", "segment", "small_pool"),
        "bytes_per_active_block": mean("active_bytes", "active"),
        "bytes_per_inactive_block": mean("inactive_split_bytes", "inactive_split"),
        "rounding_overhead_bytes": None if allocated is None or requested is None else allocated - requested,
    }


def allocated_share(segments: Sequence[Mapping[str, Any]]) -> float | None:
    """Allocated over total bytes of all segments, `None` without segments."""
    total = sum(segment["total_size"] for segment in segments)
    return sum(segment["allocated_size"] for segment in segments) / total if total else None
