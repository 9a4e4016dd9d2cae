"""A server of the orchestrator's own: it dies and comes back with another token, and leaves nothing anywhere."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from made_live import LARGE, SMALL, TARGET, TASK, live_repository

from orchestrators.live.catalogue import of
from orchestrators.live.server import LiveServer, OwnServer
from profiler.common.errors import ServerError

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    with OwnServer([0]) as server:
        yield server


def test_it_is_controlled_by_us_alone_also_after_it_died(own: OwnServer, tmp_path: Path) -> None:
    repository, first = live_repository(tmp_path), own.token()
    networks = [of(repository, TARGET, TASK, variant) for variant in (SMALL, LARGE)]
    with closing(LiveServer(own.endpoint, own.token, own.models)) as live, closing(LiveServer(own.endpoint)) as foreign:
        for network in networks:
            live.switch(TASK, network)
            assert live.serving() == {TASK: network.variant}
        with pytest.raises(ServerError, match="does not load"):
            foreign.switch(TASK, networks[0])
        kill(own)
        assert own.token() != first
        live.switch(TASK, networks[0])
        assert live.serving() == {TASK: SMALL}


def kill(own: OwnServer) -> None:
    """And have it started again."""
    os.killpg(own._running.process.pid, signal.SIGKILL)
    own._running.process.wait()
    own.tick()


def test_what_it_serves_lies_in_its_own_folder(own: OwnServer, tmp_path: Path) -> None:
    network = of(live_repository(tmp_path), TARGET, TASK, SMALL)
    with closing(LiveServer(own.endpoint, own.token, own.models)) as live:
        live.switch(TASK, network)
    arguments = [one for stub in psutil.Process(own._running.process.pid).children() for one in stub.cmdline()]
    served = [Path(one) for one in arguments if one.endswith("model.onnx")]
    assert served
    assert all(path.is_relative_to(own.models()) for path in served)
