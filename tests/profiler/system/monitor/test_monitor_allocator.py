import pytest
import torch
from recorded_allocator import segments, statistics

from profiler.system.monitor.allocator import allocator_state, current_allocator


def test_torchs_statistics_stand_under_their_own_names() -> None:
    state = allocator_state(statistics(), segments())
    assert state.requested_bytes is not None
    assert state.requested_bytes.large_pool.peak == 108_000_000
    assert state.oversize_segments is not None
    assert state.oversize_segments.freed == 0
    assert state.max_split_size == -1


def test_what_an_older_torch_does_not_tell_is_unknown() -> None:
    state = allocator_state(statistics(), segments())
    told_later = {"num_sync_all_streams", "num_device_alloc", "num_device_free", "num_oom_rejections"}
    assert set(state.reasons) == told_later
    newer = allocator_state(statistics() | dict.fromkeys(told_later, 7), segments())
    assert newer.num_device_alloc == 7
    assert not newer.reasons


def test_derived_figures() -> None:
    state = allocator_state(statistics(), segments())
    assert state.allocated_share == pytest.approx(0.75)
    assert state.requested_bytes_per_segment == 11_000_000
    assert state.requested_bytes_per_large_segment == 18_000_000
    assert state.requested_bytes_per_small_segment == 500_000
    assert state.bytes_per_active_block == 1_600_000
    assert state.bytes_per_inactive_block == 2_000_000
    assert state.rounding_overhead_bytes == 5_000_000


def test_nothing_allocated_leaves_the_means_unknown() -> None:
    state = allocator_state(dict.fromkeys(statistics(), 0), [])
    means = {"allocated_share", "bytes_per_active_block", "bytes_per_inactive_block"}
    means |= {f"requested_bytes_per_{kind}segment" for kind in ("", "large_", "small_")}
    assert {name for name in means if getattr(state, name) is None} == means
    assert all("no memory" in state.reasons[name] for name in means)
    assert state.rounding_overhead_bytes == 0


def test_the_allocator_is_read_of_the_current_gpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    gauges = {f"requested_bytes.{pool}.{part}": 7 for pool in ("all", "large_pool", "small_pool")
              for part in ("current", "peak", "allocated", "freed")}  # fmt: skip
    pieces = [
        {"device": 0, "total_size": 100, "allocated_size": 100},
        {"device": 1, "total_size": 100, "allocated_size": 25},
    ]
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda device: gauges if device == 1 else {})
    monkeypatch.setattr(torch.cuda, "memory_snapshot", lambda: pieces)
    state = current_allocator(torch)
    assert state.requested_bytes is not None
    assert state.requested_bytes.all.current == 7
    assert state.allocated_share == 0.25
