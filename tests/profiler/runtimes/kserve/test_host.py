"""A running server of somebody else's: with model control, with names only, or with nothing but a deployed model."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from narrowing import known
from servers.bare import Network, bare_server, described
from servers.short_lived import short_lived_triton, token
from support import assert_accepts, write_network
from tritonclient.grpc import service_pb2 as pb

from profiler.common.errors import BadInputError, ModelError, ServerError, ServerNotFoundError
from profiler.common.target import Resources, Target, Tensor
from profiler.load_generator.closed_loop import ClosedLoop
from profiler.runtimes.kserve.host import V2Host
from profiler.runtimes.kserve.server import V2Server
from profiler.runtimes.served import Expectation
from profiler.triton.config import ServingSettings, model_config, to_text

ONE = Resources(cores=1, threads=1, instances=1)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network") / "model.onnx")


@pytest.fixture(scope="module")
def expectation(path: Path) -> Expectation:
    return Expectation(path, 8)


def host(endpoint: str, name: str = "m") -> V2Host:
    return V2Host(Target(runtime="v2", endpoint=endpoint, model=name))


def test_a_server_without_the_repository_extension_serves_what_was_deployed(
    path: Path, expectation: Expectation
) -> None:
    with bare_server(Network(path), described()) as endpoint, host(endpoint) as bare:
        bare.unload("m")
        served = bare.load("m", path, ONE)
        expectation.check(served.prepare(expectation.images())())
        assert served.answers_counted() is None
        bare.unload("m")
        expectation.check(served.prepare(expectation.images())())
        with pytest.raises(ServerError, match="takes no model but the deployed m"):
            bare.load("reference", path, ONE)


def test_a_model_that_is_not_served_is_named_with_what_to_do(path: Path) -> None:
    with bare_server(Network(path), described()) as endpoint, host(endpoint, "other") as bare:
        with pytest.raises(ServerNotFoundError, match=rf"model other is not served at {endpoint}: deploy it there"):
            bare.load("other", path, ONE)


@pytest.mark.parametrize(
    "other", [described(source="images"), described(datatype="UINT8"), described(size=9)], ids=["name", "type", "shape"]
)
def test_a_model_with_other_tensors_than_the_file_is_refused(path: Path, other: pb.ModelMetadataResponse) -> None:
    with bare_server(Network(path), other) as endpoint, host(endpoint) as bare:
        due = rf"instead of 'input' FP32 \(-1, 1, 8, 8\) by {path}: deploy that file"
        with pytest.raises(ModelError, match=rf"model m at {endpoint} has '.*' \w+ \(-1, .*\) {due}"):
            bare.load("m", path, ONE)


def test_a_server_that_describes_no_tensors_is_known_by_its_answers(path: Path, expectation: Expectation) -> None:
    with bare_server(Network(path), pb.ModelMetadataResponse(name="m")) as endpoint, host(endpoint) as bare:
        answers = bare.load("m", path, ONE).prepare(expectation.images())()
        assert_accepts(expectation.check, answers)


def test_no_server_at_the_endpoint_is_said() -> None:
    with pytest.raises(ServerNotFoundError, match=r"no inference server answers at 127\.0\.0\.1:9"):
        with host("127.0.0.1:9"):
            pass


@pytest.fixture(scope="module")
def triton() -> Iterator[str]:
    with short_lived_triton() as server:
        yield server.endpoint


@pytest.mark.integration
def test_a_running_triton_takes_files_counts_answers_and_is_left_without_them(
    triton: str, path: Path, expectation: Expectation
) -> None:
    with V2Host(Target(endpoint=triton)) as running:
        served = running.load("given", path, ONE)
        before = served.answers_counted()
        ClosedLoop(served, expectation, batch=4, concurrency=2).run(0.1)
        calls = (known(served.answers_counted()) - known(before)) / 4
        assert calls >= 8
        assert calls == int(calls)
        running.unload("given")
        with pytest.raises(ServerError, match=r"inference failed: NOT_FOUND: .*'given'"):
            served.prepare(expectation.images())()
        running.unload("given")


@pytest.mark.integration
def test_another_file_under_the_same_name_takes_its_place(triton: str, path: Path, tmp_path: Path) -> None:
    other = write_network(tmp_path / "other.onnx", bias=5.0)
    expectation = Expectation(path, 1)
    with V2Host(Target(endpoint=triton)) as running:
        running.load("replaced", path, ONE)
        answers = running.load("replaced", other, ONE).prepare(expectation.images())()
    with pytest.raises(ServerError, match="differ"):
        expectation.check(answers)
    Expectation(other, 1).check(answers)


@pytest.mark.integration
def test_what_triton_refuses_is_told_in_its_words(triton: str, path: Path) -> None:
    with V2Host(Target(endpoint=triton)) as running:
        served = running.load("asked", path, ONE)
        with pytest.raises(ServerError, match=r"INVALID_ARGUMENT: .*Expected \[-1,1,8,8\], got \[1,1,9,9\]"):
            served.prepare(np.zeros((1, 1, 9, 9), np.float32))()


@pytest.mark.integration
def test_a_triton_that_dies_leaves_no_caller_waiting(path: Path, expectation: Expectation) -> None:
    with short_lived_triton() as server, V2Host(Target(endpoint=server.endpoint)) as running:
        call = running.load("killed", path, ONE).prepare(expectation.images())
        call()
        server.process.kill()
        server.process.wait()
        with pytest.raises(ServerError, match=r"^inference failed: no connection to"):
            call()
        assert not running.restart()
        with pytest.raises(ServerError, match="the server does not unload killed: UNAVAILABLE"):
            running.unload("killed")


@pytest.mark.integration
def test_triton_s_own_repository_is_used_by_name_and_left_as_it_was_found(path: Path, tmp_path: Path) -> None:
    expectation, folder = Expectation(path, 1), tmp_path / "repository" / "m"
    (folder / "1").mkdir(parents=True)
    shutil.copy(path, folder / "1" / "model.onnx")
    tensors = Tensor("input", (1, 8, 8)), Tensor("logits", (3,))
    (folder / "config.pbtxt").write_text(to_text(model_config(*tensors, ServingSettings(1, 1, 8))))
    with short_lived_triton(repository=folder.parent) as server:
        control = V2Server(server.endpoint, token)
        with host(server.endpoint) as own:
            served = own.load("m", path, ONE)
            expectation.check(served.prepare(expectation.images())())
            # The server counts an answer after sending it.
            end = time.monotonic() + 10
            while served.answers_counted() != 1 and time.monotonic() < end:
                time.sleep(0.01)
            assert served.answers_counted() == 1
            own.unload("m")
            assert not control.ready("m")
        assert control.ready("m")
        control.unload("m")
        control.close()
        server.process.terminate()
        # It waits for no connection of ours, and so stops by itself.
        assert server.process.wait(20) == 0


def test_a_server_that_takes_no_files_says_what_to_do(path: Path) -> None:
    with bare_server(Network(path), described()) as endpoint, V2Host(Target(endpoint=endpoint)) as bare:
        with pytest.raises(BadInputError, match=r"takes no files: start Triton with --model-control-mode=explicit"):
            bare.load("m", path, ONE)
