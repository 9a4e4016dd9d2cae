import os
import time
from pathlib import Path

import pytest
from narrowing import known
from recorded_allocator import segments, statistics
from recorded_nvml import record
from support import ROOT

from profiler.system.monitor.allocator import allocator_state
from profiler.system.monitor.change import change
from profiler.system.monitor.monitor import StateReader
from profiler.system.monitor.paper_features import evaluate, paper_features
from profiler.system.monitor.system_state import SystemState
from profiler.system.processes import tree

# What the paper's script gave with one GPU and the statistics of torch 2.0.
NAMES = Path(__file__).with_name("test_monitor_paper_names.txt").read_text().split()
PAGE = ROOT / "docs" / "monitor.md"
LINUX_NO_LONGER_COUNTS = {"process/memory/lib_memory_proc_MB", "process/memory/dirty_pages_proc_count"}


@pytest.fixture
def snapshots(monkeypatch: pytest.MonkeyPatch) -> list[SystemState]:
    """Three snapshots of this process in a row, with a recorded GPU and allocator."""
    record(monkeypatch)
    found = []
    with StateReader(lambda: tree(os.getpid()), lambda: allocator_state(statistics(), segments())) as reader:
        for _ in range(3):
            found.append(reader.read())
            time.sleep(0.01)
    if found[0].disk is None or found[0].network is None:
        pytest.skip("this system tells no disk or network counters")
    return found


def features(snapshots: list[SystemState]) -> dict[str, float | None]:
    first, before, now = snapshots
    return evaluate(now, change(first, now), change(before, now))


def test_every_name_of_the_papers_monitor_is_in_the_table() -> None:
    assert len(NAMES) == len(set(NAMES)) == 167
    assert set(NAMES) <= set(paper_features(gpus=1))


def test_every_name_leads_to_a_number(snapshots: list[SystemState]) -> None:
    found = features(snapshots)
    assert {name for name in NAMES if found[name] is None} == LINUX_NO_LONGER_COUNTS


def test_what_leads_to_no_number_has_its_reason(snapshots: list[SystemState]) -> None:
    process = snapshots[-1].process
    assert process is not None
    assert "Linux" in process.reasons["lib_bytes"]
    assert "Linux" in process.reasons["dirty_bytes"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("05_gpu_smi/gpu_0_fb_total_MiB", 40960),
        ("05_gpu_smi/gpu_0_bar1_used_MiB", 2),
        ("05_gpu_smi/gpu_0_gpu_util_in_percent", 87),
        ("05_gpu_smi/gpu_0_power_in_W", 248.5),
        ("05_gpu_smi/gpu_0_clocks_throttle_reason_sw_power_cap", 1),
        ("05_gpu_smi/gpu_0_clocks_throttle_reason_gpu_idle", 0),
        ("03_gpu_mem/segment.small_pool.allocated", 8),
        ("04_agg_gpu/memory_fragmentation_ratio", 0.75),
    ],
)
def test_recorded_figures_come_out_in_the_papers_units(snapshots: list[SystemState], name: str, value: float) -> None:
    assert features(snapshots)[name] == pytest.approx(value)


def test_live_figures_come_out_in_the_papers_units(snapshots: list[SystemState]) -> None:
    found, now = features(snapshots), snapshots[-1]
    assert now.process is not None
    assert found["process/memory/resident_set_size_proc_MB"] == pytest.approx(now.process.rss_bytes / 1000**2)
    assert found["memory/used_memory_sys_percent"] == pytest.approx(now.memory.used_share * 100)
    assert found["cpu/load/avg_sys_load_one_min_percent"] == pytest.approx(now.cpu.load_1min_per_core * 100)


def test_counters_of_the_machine_count_from_the_begin_of_the_run(snapshots: list[SystemState]) -> None:
    first, _, now = snapshots
    assert features(snapshots)["cpu/interrupts/ctx_switches_count"] == now.cpu.switches - first.cpu.switches


def test_bandwidth_is_over_the_last_period(snapshots: list[SystemState]) -> None:
    first, before, now = snapshots
    earlier = first.model_copy(update={"network": known(first.network).model_copy(update={"sent_bytes": 0})})
    rate = change(before, now).network_sent_bytes_per_s
    assert rate is not None
    assert features([earlier, before, now])["bandwidth/net_sent_sys_bandwidth_Mbits"] == pytest.approx(rate * 8e-6)


def test_without_a_gpu_the_host_features_remain() -> None:
    assert set(paper_features(gpus=0)) == {
        name for name in NAMES if not name.startswith(("03_gpu_mem", "04_agg_gpu", "05_gpu_smi"))
    }


def test_the_page_for_people_shows_the_whole_table() -> None:
    rows = [line.strip("| ").replace("`", "").split(" | ") for line in PAGE.read_text().splitlines() if "` | `" in line]
    shown = {name: (path, float(factor)) for name, path, factor in rows}
    *_, keys = shown
    assert shown.pop(keys) == ("state.allocator.<key>", 1)
    table = paper_features(gpus=1).items()
    wanted = {name: (one.path, one.factor) for name, one in table if not name.startswith("03_gpu_mem")}
    assert shown.keys() == wanted.keys()
    assert {name: path for name, (path, _) in shown.items()} == {name: path for name, (path, _) in wanted.items()}
    assert [shown[name][1] for name in wanted] == pytest.approx([factor for _, factor in wanted.values()])
