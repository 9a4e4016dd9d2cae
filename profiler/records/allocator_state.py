"""What torch's CUDA caching allocator held at one moment, under torch's own names (`torch.cuda.memory_stats`)."""

from pydantic import Field

from profiler.records.base import Record


class Gauge(Record):
    """A figure that goes up and down: now, at its highest, and the sums of all rises and of all falls."""

    current: int
    peak: int
    allocated: int
    freed: int


class Pools(Record):
    """A figure over both pools and in each; requests of less than 1 MiB are served from the small one."""

    all: Gauge
    large_pool: Gauge
    small_pool: Gauge


class AllocatorState(Record):
    """torch's statistics, unknown where its version has none, and figures derived from them.

    Numbers: `allocation` requests, `segment`s from cudaMalloc, `active` blocks, `inactive_split` blocks that
    cannot be given back. `allocated_share` is the allocated over the total bytes of all segments: 1 is not
    fragmented, near 0 is. The other derived figures are unknown where there is nothing to divide by.
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
