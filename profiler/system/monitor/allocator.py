"""The memory of torch's CUDA caching allocator by torch's own names, from the statistics of the measured process."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from pydantic import Field

from profiler.records.base import Record, unknown

GAUGE = ("current", "peak", "allocated", "freed")
POOLS = ("all", "large_pool", "small_pool")
Statistics = Mapping[str, Any]


class Gauge(Record):
    """A quantity that rises and falls: its present value, its peak, and the sums of all rises and of all falls."""

    current: int
    peak: int
    allocated: int
    freed: int


class Pools(Record):
    """A gauge over both pools and for each; the small pool serves requests of less than 1 MiB."""

    all: Gauge
    large_pool: Gauge
    small_pool: Gauge


class AllocatorState(Record):
    """torch's statistics, unknown where its version has none, and figures derived from them.

    Counts: `allocation` requests, `segment`s from cudaMalloc, `active` blocks, `inactive_split` blocks that cannot be
    given back. `allocated_share` is the allocated over the total bytes of all segments.
    """

    allocation: Pools | None
    segment: Pools | None
    active: Pools | None
    inactive_split: Pools | None
    allocated_bytes: Pools | None
    reserved_bytes: Pools | None
    active_bytes: Pools | None
    inactive_split_bytes: Pools | None
    requested_bytes: Pools | None
    oversize_allocations: Gauge | None
    oversize_segments: Gauge | None
    max_split_size: int | None
    num_alloc_retries: int | None
    num_ooms: int | None
    num_sync_all_streams: int | None
    num_device_alloc: int | None
    num_device_free: int | None
    num_oom_rejections: int | None
    allocated_share: float | None = Field(ge=0, le=1)
    requested_bytes_per_segment: float | None
    requested_bytes_per_large_segment: float | None
    requested_bytes_per_small_segment: float | None
    bytes_per_active_block: float | None
    bytes_per_inactive_block: float | None
    rounding_overhead_bytes: int | None


FIELDS = AllocatorState.__annotations__
OF_POOLS = tuple(name for name, kind in FIELDS.items() if kind == Pools | None)
OF_ALL = tuple(name for name, kind in FIELDS.items() if kind == Gauge | None)
NUMBERS = tuple(name for name, kind in FIELDS.items() if kind == int | None and name != "rounding_overhead_bytes")


def current_allocator(torch: ModuleType) -> AllocatorState:
    """The state of the allocator of the current GPU."""
    device = torch.cuda.current_device()
    segments = [segment for segment in torch.cuda.memory_snapshot() if segment["device"] == device]
    return allocator_state(torch.cuda.memory_stats(device), segments)


def allocator_state(statistics: Statistics, segments: Sequence[Mapping[str, Any]]) -> AllocatorState:
    """The state from `torch.cuda.memory_stats(device)` and that device's part of `torch.cuda.memory_snapshot()`."""
    reported: dict[str, Any] = {
        **{name: pools(statistics, name) for name in OF_POOLS},
        **{name: gauge(statistics, name) for name in OF_ALL},
        **{name: statistics.get(name) for name in NUMBERS},
    }
    derived: dict[str, Any] = {**per_piece(statistics), "allocated_share": allocated_share(segments)}
    reasons = {
        **unknown(reported, "this version of torch does not report it"),
        **unknown(derived, "the allocator has no memory of that kind"),
    }
    return AllocatorState(reasons=reasons, **reported, **derived)


def gauge(statistics: Statistics, name: str) -> Gauge | None:
    """The four figures of one name, `None` where torch does not report all of them."""
    current, peak, allocated, freed = (statistics.get(f"{name}.{part}") for part in GAUGE)
    if current is None or peak is None or allocated is None or freed is None:
        return None
    return Gauge(current=current, peak=peak, allocated=allocated, freed=freed)


def pools(statistics: Statistics, name: str) -> Pools | None:
    """The gauge of each pool, `None` where torch does not report all of them."""
    everything, large, small = (gauge(statistics, f"{name}.{pool}") for pool in POOLS)
    if everything is None or large is None or small is None:
        return None
    return Pools(all=everything, large_pool=large, small_pool=small)


def per_piece(statistics: Statistics) -> dict[str, float | None]:
    """The mean sizes now, as github.com/cirquit/py-hardware-monitor derives them, and the bytes lost to rounding."""

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
    """The allocated over the total bytes of all segments, `None` without segments."""
    total = sum(segment["total_size"] for segment in segments)
    return sum(segment["allocated_size"] for segment in segments) / total if total else None
