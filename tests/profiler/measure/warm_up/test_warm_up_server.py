"""Loads into the real server."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from narrowing import known
from starting_host import measured

from profiler.common.errors import ServerError
from profiler.common.profile_settings import WarmUpSettings
from profiler.common.target import Target
from profiler.measure.warm_up.fresh_load import load_afresh
from profiler.records.warm_up import FirstInference, LoadTime, UnloadTime, WarmUpCurve
from profiler.runtimes.kserve import own_triton
from profiler.runtimes.kserve.server import V2Server
from profiler.system.page_cache import evict, resident_share
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import PreparedTarget, prepared_target

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def triton() -> Iterator[PreparedTarget]:
    with prepared_target("here", Target()) as running:
        yield running


@pytest.fixture
def served(triton: PreparedTarget, network: Path) -> Iterator[ModelUnderTest]:
    with ModelUnderTest(triton, network) as model:
        yield model


def test_the_monitor_sees_the_processes_of_a_real_server(served: ModelUnderTest) -> None:
    served.monitor = True
    measured(served, WarmUpSettings(loads=1, batches=[1], curve_inferences=4, switch_seconds=None))
    ((*values,),) = served.samples["monitor_batch_1"]
    found = dict(zip(served.samples["monitor_features"], values, strict=True))
    assert found["process/memory/resident_set_size_proc_MB"] > 20
    assert found["cpu/interrupts/ctx_switches_count"] > 0


@pytest.mark.alone
def test_a_real_server_has_every_figure(served: ModelUnderTest) -> None:
    settings = WarmUpSettings(loads=2, batches=[1, 4], curve_inferences=40, switch_seconds=None)
    ledger = measured(served, settings)
    warm, cold = ledger.of(LoadTime)
    assert (warm.n, warm.resident_share) == (2, 1)
    assert cold.n == 2 or cold.reasons["mean_ms"]
    assert all(point.first_ms > point.warm_ms for point in ledger.of(FirstInference))
    assert all(known(point.before).processes >= 1 for point in ledger.of(FirstInference))
    assert [curve.n for curve in ledger.of(WarmUpCurve)] == [40, 40]
    assert known(ledger.of(UnloadTime)[0].min_ms) > 0


def test_an_unload_ends_when_the_models_processes_have(served: ModelUnderTest) -> None:
    alone = len(psutil.Process(served.prepared.host.process).children())
    load_afresh(served, "warm", 1, 1)
    assert len(psutil.Process(served.prepared.host.process).children()) == alone


def test_what_the_server_refused_is_gone_at_once(served: ModelUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def place_garbage(source: Path, destination: Path) -> None:
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(b"garbage")

    with monkeypatch.context() as patch:
        patch.setattr(own_triton, "link_or_copy", place_garbage)
        with pytest.raises(ServerError, match="does not load"):
            served.load(served.own)
    monkeypatch.setattr("profiler.runtimes.kserve.server.LOAD_LIMIT_S", 5.0)
    served.unload()
    assert served.serve() is not None


def test_a_file_that_was_evicted_is_still_on_the_disk_only_when_the_server_is_asked_to_load_it(
    served: ModelUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if evict(served.path) > 0:
        pytest.skip("nothing leaves the page cache of this file system")
    shares, load = [], V2Server.load

    def asked(server: V2Server, name: str) -> None:
        shares.append(resident_share(served.path))
        load(server, name)

    monkeypatch.setattr(V2Server, "load", asked)
    load_afresh(served, "cold", 1, 0)
    load_afresh(served, "cold", 1, 0)
    assert shares[-1] == 0
