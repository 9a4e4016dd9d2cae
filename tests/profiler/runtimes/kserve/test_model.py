"""Calls of a model behind any V2 server: what it answers is read, and every answer is checked."""

import queue
import threading
from pathlib import Path

import numpy as np
import pytest
from narrowing import of
from servers.bare import Network, bare_server
from support import write_network
from tritonclient.grpc import service_pb2 as pb

from profiler.common.errors import ServerError
from profiler.load_generator.closed_loop import ClosedLoop
from profiler.runtimes.kserve.model import V2Model
from profiler.runtimes.kserve.server import V2Server
from profiler.runtimes.served import Expectation

WAIT_S = 20


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network") / "model.onnx")


@pytest.fixture(scope="module")
def expectation(path: Path) -> Expectation:
    return Expectation(path, 8)


def model(endpoint: str) -> V2Model:
    return V2Model(V2Server(endpoint), "v2", "m", "input", "logits")


def test_typed_answers_are_read_as_raw_ones_are(path: Path, expectation: Expectation) -> None:
    with bare_server(Network(path)) as endpoint:
        answers = model(endpoint).prepare(expectation.images(5))()
    assert answers.shape == (5, 3)
    expectation.check(answers, 5)


def test_every_answer_is_checked_also_after_many_right_ones(path: Path, expectation: Expectation) -> None:
    with bare_server(Network(path, wrong_from=50)) as endpoint, pytest.raises(ServerError, match="differ"):
        ClosedLoop(model(endpoint), expectation, batch=2, concurrency=2).run(20.0)


def test_answers_equal_to_the_byte_are_one_array_and_others_are_read_anew(path: Path, expectation: Expectation) -> None:
    with bare_server(Network(path)) as endpoint:
        call = model(endpoint).prepare(expectation.images(1))
        # The answer's id changes with every second call, its values never.
        first, second, third = call(), call(), call()
    assert second is third
    assert first is not second
    assert np.array_equal(first, second)
    with pytest.raises(ValueError, match="read-only"):
        first[:] = 0


def test_who_does_not_wait_gets_the_same_answers(path: Path, expectation: Expectation) -> None:
    came, answers = threading.Semaphore(0), []

    def take(answer: np.ndarray | ServerError) -> None:
        answers.append(answer)
        came.release()

    with bare_server(Network(path, wrong_from=3)) as endpoint:
        call = model(endpoint).prepare(expectation.images(4))
        for _ in range(3):
            call.send(take)
            assert came.acquire(timeout=WAIT_S)
    for answer in answers[:2]:
        expectation.check(of(answer, np.ndarray), 4)
    with pytest.raises(ServerError, match="differ"):
        expectation.check(of(answers[2], np.ndarray), 4)


def answer(name: str = "logits", datatype: str = "FP32", raw: bytes = bytes(12)) -> bytes:
    response = pb.ModelInferResponse(raw_output_contents=[raw])
    response.outputs.add(name=name, datatype=datatype, shape=[1, 3])
    message: bytes = response.SerializeToString()
    return message


WRONG = {
    "no message": (b"\xff\xff", "no ModelInferResponse"),
    "nothing": (b"", "answered no output instead of 'logits'"),
    "another output": (answer(name="boxes"), "answered {'boxes': 'FP32'} instead of 'logits'"),
    "another type": (answer(datatype="FP16"), "'FP16'} instead of 'logits' as FP32"),
    "too few values": (answer(raw=bytes(8)), r"with shape \(1, 3\) and not as many values"),
    "half a value": (answer(raw=bytes(11)), "not as many values"),
}


@pytest.mark.parametrize(("message", "reason"), WRONG.values(), ids=WRONG)
def test_an_answer_without_the_output_is_an_error(message: bytes, reason: str, expectation: Expectation) -> None:
    with bare_server(lambda *_: message) as endpoint:
        call = model(endpoint).prepare(expectation.images(1))
        with pytest.raises(ServerError, match=reason):
            call()
        answers: queue.Queue[np.ndarray | ServerError] = queue.Queue()
        call.send(answers.put)
        answer = answers.get(timeout=WAIT_S)
    assert isinstance(answer, ServerError)
