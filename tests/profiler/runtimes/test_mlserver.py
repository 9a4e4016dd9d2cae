"""A second, independent V2 server: everything but the files goes the way that it goes on Triton."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from narrowing import of
from servers.mlserver_process import mlserver
from support import write_network

from profiler.common.errors import ServerError, ServerNotFoundError
from profiler.common.target import Resources, Target
from profiler.load_generator.closed_loop import ClosedLoop
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.kserve.host import V2Host
from profiler.runtimes.kserve.server import V2Server
from profiler.runtimes.served import Expectation

pytestmark = pytest.mark.integration

ONE = Resources(cores=1, threads=1, instances=1)
SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("deployed") / "model.onnx")


@pytest.fixture(scope="module")
def endpoint(path: Path) -> Iterator[str]:
    with mlserver("deployed", path, cores=[0]) as address:
        yield address


def host(endpoint: str) -> V2Host:
    return V2Host(Target(runtime="v2", endpoint=endpoint, model="deployed"))


def test_a_closed_loop_on_it_is_answered_as_the_file_answers(endpoint: str, path: Path) -> None:
    expectation = Expectation(path, 8)
    with host(endpoint) as server:
        assert server.version() == "mlserver 1.7.1"
        served = server.load("deployed", path, ONE)
        found = ClosedLoop(served, expectation, batch=8, concurrency=2).run(0.3)
        assert found.requests >= 8
        assert served.answers_counted() is None


def test_calls_that_nobody_waits_for_are_answered_too(endpoint: str, path: Path) -> None:
    expectation, came = Expectation(path, 4), threading.Semaphore(0)
    answers = []

    def take(answer: np.ndarray | ServerError) -> None:
        answers.append(answer)
        came.release()

    with host(endpoint) as server:
        call = server.load("deployed", path, ONE).prepare(expectation.images())
        for _ in range(50):
            call.send(take)
        assert all(came.acquire(timeout=20) for _ in range(50))
    for answer in answers:
        expectation.check(of(answer, np.ndarray))


def test_it_loads_and_unloads_by_name_and_is_left_as_it_was_found(endpoint: str, path: Path) -> None:
    expectation, control = Expectation(path, 1), V2Server(endpoint)
    with host(endpoint) as server:
        call = server.load("deployed", path, ONE).prepare(expectation.images())
        expectation.check(call())
        server.unload("deployed")
        assert not control.ready("deployed")
        with pytest.raises(ServerError, match="inference failed: NOT_FOUND: Model deployed"):
            call()
        server.load("deployed", path, ONE)
        expectation.check(call())
        server.unload("deployed")
    assert control.ready("deployed")
    control.close()


def test_a_request_that_the_network_refuses_is_an_error(endpoint: str, path: Path) -> None:
    with host(endpoint) as server:
        call = server.load("deployed", path, ONE).prepare(sample_input((1, 9, 9), 1))
        with pytest.raises(ServerError, match=r"inference failed: INVALID_ARGUMENT: .*invalid dimensions"):
            call()


def test_what_it_does_not_know_is_not_served(endpoint: str, path: Path) -> None:
    with V2Host(Target(runtime="v2", endpoint=endpoint, model="other")) as server:
        with pytest.raises(ServerNotFoundError, match=rf"model other is not served at {endpoint}"):
            server.load("other", path, ONE)


def test_another_file_than_the_deployed_one_is_found_out(endpoint: str, path: Path, tmp_path: Path) -> None:
    with host(endpoint) as server:
        served = server.load("deployed", path, ONE)
        other = Expectation(write_network(tmp_path / "model.onnx", bias=5.0), 1)
        with pytest.raises(ServerError, match="differ from the file's own"):
            other.check(served.prepare(other.images())())
