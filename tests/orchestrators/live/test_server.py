"""A real Triton whose networks are replaced behind a task's name."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from made_live import LARGE, MIDDLE, SMALL, TARGET, TASK, VARIANTS, live_repository
from servers.short_lived import short_lived_triton, token
from servers.waiting import settled
from support import SIZE, write_network

from orchestrators.live.catalogue import Network, of
from orchestrators.live.server import LiveServer
from porting.repository import Repository
from profiler.common.errors import ServerError
from profiler.runtimes.kserve.model import V2Model
from profiler.runtimes.session import open_session, run
from profiler.triton.server import free_port

pytestmark = pytest.mark.integration
ZERO = np.zeros((1, 1, SIZE, SIZE), np.float32)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return live_repository(tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module", params=["by call", "by folder"])
def server(request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    """Somebody else's, and one of our own."""
    with short_lived_triton() as running:
        models = (lambda: running.models) if request.param == "by folder" else None
        with closing(LiveServer(running.endpoint, token, models)) as live:
            yield live


def network(repository: Repository, variant: str) -> Network:
    return of(repository, TARGET, TASK, variant)


def answering(server: LiveServer) -> str:
    """Which variant answers: the networks differ in what they add to every logit."""
    answer = V2Model(server, "triton", TASK, "input", "logits").prepare(ZERO)()
    return min(VARIANTS, key=lambda name: abs(float(answer.mean()) - expected(name)))


@cache
def expected(variant: str) -> float:
    with TemporaryDirectory() as folder:
        session = open_session(write_network(Path(folder) / "model.onnx", bias=VARIANTS[variant][2]), threads=1)
        return float(run(session, {"input": ZERO}).mean())


def test_a_network_answers_to_its_tasks_name_and_the_server_says_which(
    server: LiveServer, repository: Repository
) -> None:
    for variant in (LARGE, SMALL):
        server.switch(TASK, network(repository, variant))
        assert server.serving() == {TASK: variant}
        assert answering(server) == variant


def test_a_new_network_has_answered_the_repositorys_warm_up_requests(
    server: LiveServer, repository: Repository
) -> None:
    server.switch(TASK, network(repository, MIDDLE))
    server.switch(TASK, network(repository, LARGE))
    # Batches 1 and 16, as its profile says that it was measured.
    assert settled(lambda: server.requests()[TASK]) == 17


def test_a_network_without_the_input_to_warm_it_up_is_not_taken(server: LiveServer, repository: Repository) -> None:
    server.switch(TASK, network(repository, LARGE))
    without = {name: content for name, content in network(repository, SMALL).files.items() if "warmup" not in name}
    with pytest.raises(ServerError, match="warmup/example"):
        server.switch(TASK, replace(network(repository, SMALL), files=without))
    assert server.serving() == {TASK: LARGE}


def test_a_load_that_fails_leaves_the_old_network_answering(server: LiveServer, repository: Repository) -> None:
    server.switch(TASK, network(repository, LARGE))
    broken = replace(network(repository, SMALL), files={"file:1/model.onnx": b"no network"})
    with pytest.raises(ServerError, match="does not load digits"):
        server.switch(TASK, broken)
    assert server.serving() == {TASK: LARGE}
    assert answering(server) == LARGE
    server.switch(TASK, network(repository, SMALL))
    assert answering(server) == SMALL


def test_a_task_that_never_loaded_is_not_serving(server: LiveServer, repository: Repository) -> None:
    config = network(repository, SMALL).config.replace(f'"{TASK}"', '"bees"')
    with pytest.raises(ServerError):
        server.switch("bees", Network(SMALL, "", config, {"file:1/model.onnx": b""}))
    assert "bees" not in server.serving()


def test_an_equal_config_with_another_file_is_not_taken_for_a_switch(
    server: LiveServer, repository: Repository
) -> None:
    server.switch(TASK, network(repository, LARGE))
    disguised = replace(network(repository, LARGE), variant=SMALL)
    with pytest.raises(ServerError, match=f"reports a load of {SMALL} and answers with {LARGE}"):
        server.switch(TASK, disguised)


def test_every_request_is_counted_answered_or_failed(server: LiveServer, repository: Repository) -> None:
    server.switch(TASK, network(repository, MIDDLE))
    server.switch(TASK, network(repository, SMALL))
    before = settled(lambda: server.requests()[TASK])
    for _ in range(3):
        answering(server)
    with pytest.raises(ServerError):
        V2Model(server, "triton", TASK, "input", "logits").prepare(np.zeros((1, 3, 5, 5), np.float32))()
    assert settled(lambda: server.requests()[TASK]) - before in (3, 4)


def test_the_old_network_answers_every_request_until_the_new_one_does(
    server: LiveServer, repository: Repository
) -> None:
    server.switch(TASK, network(repository, LARGE))
    answers: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(answering(server))

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.2)
    server.switch(TASK, network(repository, SMALL))
    time.sleep(0.2)
    stop.set()
    asking.join()
    changes = [one for one, before in zip(answers[1:], answers, strict=False) if one != before]
    assert (answers[0], changes) == (LARGE, [SMALL])


def test_a_server_that_cannot_be_reached_says_so_and_is_found_when_it_is_there(repository: Repository) -> None:
    port = free_port()
    live = LiveServer(f"127.0.0.1:{port}", token)
    for call in (live.requests, live.serving, lambda: live.switch(TASK, network(repository, SMALL))):
        with pytest.raises(ServerError, match=f"127.0.0.1:{port}"):
            call()
    with short_lived_triton(grpc_port=port), closing(live):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                assert live.serving() == {}
                break
            except ServerError:
                time.sleep(0.1)
        else:
            pytest.fail("the server is there and is not found")
        live.switch(TASK, network(repository, SMALL))
        assert live.serving() == {TASK: SMALL}
