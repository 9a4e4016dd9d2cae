"""What torch tells of its CUDA allocator: `memory_stats()` and `memory_snapshot()` under torch 2.0's names."""

from typing import Any

CURRENT = {
    "allocation": (30, 10, 20),
    "segment": (5, 3, 2),
    "active": (40, 15, 25),
    "inactive_split": (8, 6, 2),
    "allocated_bytes": (60_000_000, 58_000_000, 2_000_000),
    "reserved_bytes": (80_000_000, 76_000_000, 4_000_000),
    "active_bytes": (64_000_000, 61_000_000, 3_000_000),
    "inactive_split_bytes": (16_000_000, 15_000_000, 1_000_000),
    "requested_bytes": (55_000_000, 54_000_000, 1_000_000),
}


def statistics() -> dict[str, int]:
    """119 keys, as torch 2.0 and 2.1 give them."""
    found = {
        f"{name}.{pool}.{part}": value * factor
        for name, values in CURRENT.items()
        for pool, value in zip(("all", "large_pool", "small_pool"), values, strict=True)
        for part, factor in (("current", 1), ("peak", 2), ("allocated", 4), ("freed", 3))
    }
    oversize = {
        f"oversize_{name}.{part}": 0
        for name in ("allocations", "segments")
        for part in ("current", "peak", "allocated", "freed")
    }
    return {**found, **oversize, "max_split_size": -1, "num_alloc_retries": 0, "num_ooms": 0}


def segments() -> list[dict[str, Any]]:
    """The parts of torch's snapshot that matter here."""
    return [
        {"device": 0, "total_size": 60_000_000, "allocated_size": 50_000_000, "blocks": []},
        {"device": 0, "total_size": 20_000_000, "allocated_size": 10_000_000, "blocks": []},
    ]
