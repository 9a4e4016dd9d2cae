"""Memory by batch, of the server and of a process of its own."""

from pathlib import Path

import pytest
from narrowing import known, of
from stub_host import StubHost, go_through, model_on

from profiler.common.profile_settings import MemorySettings
from profiler.common.target import Target
from profiler.measure.ledger import Ledger
from profiler.measure.memory import part as memory
from profiler.measure.memory.served import Used, between
from profiler.records.memory import LargestBatch, MemoryPoint, Usage
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target

pytestmark = pytest.mark.alone
SETTINGS = MemorySettings(batches=[1, 4], seconds=20)


def usage(rss: int, pss: int | None, peak: int | None) -> Usage:
    values = {"pss_bytes": pss, "peak_bytes": peak, "uss_bytes": None, "involuntary_switches": None}
    reasons = {name: "it is not told" for name, value in values.items() if value is None}
    return Usage(processes=2, cpu_s=1.0, rss_bytes=rss, reasons=reasons, **values)


def test_what_the_servers_processes_share_counts_once() -> None:
    found = between(usage(rss=300, pss=200, peak=300), usage(rss=500, pss=350, peak=500))
    assert (found.resident_bytes, found.model_bytes, found.peak_bytes) == (350, 150, 350)


def test_the_servers_peak_stands_as_far_above_the_present_as_its_processes_peaks_do() -> None:
    found = between(usage(rss=300, pss=200, peak=300), usage(rss=500, pss=350, peak=620))
    assert found.peak_bytes == 350 + 120


def test_memory_that_the_system_does_not_tell_has_a_reason() -> None:
    found = between(usage(rss=300, pss=None, peak=None), usage(rss=500, pss=None, peak=None))
    assert found == Used(why="it is not told", why_no_peak="it is not told")


def test_a_model_in_this_process_is_measured_in_a_child_only(network: Path) -> None:
    host = StubHost(0.001, address=None)
    model, ledger = model_on(host, network, Target(runtime="onnxruntime", memory_bytes=1)), Ledger([], [])
    go_through(memory.measurements(model, SETTINGS, ledger), ledger, "memory")
    assert [(point.source, point.batch) for point in ledger.of(MemoryPoint)] == [
        ("child process", 1),
        ("child process", 4),
    ]
    (largest,) = ledger.of(LargestBatch)
    assert (largest.batch, largest.limit_bytes) == (None, 1)


def test_a_server_that_is_not_ours_has_unknown_memory_and_its_child_a_known_one(network: Path) -> None:
    model, ledger = model_on(StubHost(0.001, process=None), network), Ledger([], [])
    go_through(memory.measurements(model, MemorySettings(batches=[1], seconds=1), ledger), ledger, "memory")
    served, child = ledger.of(MemoryPoint)
    assert (served.resident_bytes, served.reasons["peak_bytes"]) == (
        None,
        "the serving processes are not visible to the profiler",
    )
    assert known(child.resident_bytes) > known(child.model_bytes) > 0
    assert known(child.peak_bytes) > 0.9 * known(child.resident_bytes)


def test_a_batch_that_the_child_does_not_survive_has_a_reason_instead_of_figures(network: Path) -> None:
    model, ledger = model_on(StubHost(0.001), network), Ledger([], [])
    model.path = network.with_name("gone.onnx")
    work = memory.measurements(model, MemorySettings(batches=[1], seconds=1), ledger)
    next(work)
    (point,) = work.send(None).measure()
    assert of(point, MemoryPoint).peak_bytes is None
    assert "refused" in point.reasons["peak_bytes"]


@pytest.mark.quiet
@pytest.mark.integration
def test_a_real_server_takes_more_memory_with_the_model_and_gives_it_back(network: Path) -> None:
    with prepared_target("here", Target()) as here, ModelUnderTest(here, network) as model:
        ledger = Ledger([], [])
        go_through(memory.measurements(model, SETTINGS, ledger), ledger, "memory")
    served = [point for point in ledger.of(MemoryPoint) if point.source == "served processes"]
    assert [point.batch for point in served] == [1, 4]
    for point in served:
        assert 0 < known(point.model_bytes) < known(point.resident_bytes) <= known(point.peak_bytes)
    assert served[0].model_bytes == pytest.approx(served[1].model_bytes, rel=0.2)
