"""The real server: starting, loading, answering, stopping, and what it does when things are wrong."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from google.protobuf import text_format
from narrowing import known
from servers.waiting import wait_until
from support import write_network
from survival import gone, regions
from tritonclient.grpc import InferenceServerClient
from tritonclient.grpc.model_config_pb2 import ModelConfig

from profiler.common.batching import Batching
from profiler.common.errors import BadInputError, ServerError, ServerNotFoundError
from profiler.common.target import Resources, Target, Tensor
from profiler.runtimes.kserve.own_triton import OwnTriton
from profiler.runtimes.served import Expectation, Served
from profiler.system.processes import tree
from profiler.triton.config import ServingSettings, model_config, to_text
from profiler.triton.installation import OWN_BACKENDS, Installation, find_triton
from profiler.triton.server import triton_server

ONE = Resources(cores=1, threads=1, instances=1)


def has_counted(served: Served, answers: int) -> bool:
    return served.answers_counted() == answers


def test_the_config_names_every_value_and_no_name() -> None:
    serving = ServingSettings(threads=2, instances=3, max_batch=64)
    config = model_config(Tensor("in", (1, 8, 8)), Tensor("out", (3,)), serving, {"variant": "v"}, "labels.txt")
    read = text_format.Parse(to_text(config), ModelConfig())
    assert read.name == ""
    assert (read.backend, read.max_batch_size) == ("onnxruntime", 64)
    assert list(read.input[0].dims) == [1, 8, 8]
    assert read.output[0].label_filename == "labels.txt"
    assert read.instance_group[0].count == 3
    assert {key: value.string_value for key, value in read.parameters.items()} == {
        "intra_op_thread_count": "2",
        "inter_op_thread_count": "1",
        "variant": "v",
    }


def test_a_config_has_the_dynamic_batching_of_its_settings_and_none_by_default() -> None:
    batching = Batching(queue_delay_us=500, preferred_batches=(4, 8))
    tensors = Tensor("in", (1, 8, 8)), Tensor("out", (3,))
    found = model_config(*tensors, ServingSettings(1, 1, 64, batching=batching)).dynamic_batching
    assert (found.max_queue_delay_microseconds, list(found.preferred_batch_size)) == (500, [4, 8])
    assert not model_config(*tensors, ServingSettings(1, 1, 64)).HasField("dynamic_batching")


def test_no_triton_says_how_to_get_one_and_offers_the_other_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv" / "inside"))
    # The working directory may be anybody's.
    (tmp_path / ".venv-triton" / "lib" / "python3.11" / "site-packages" / "pytriton").mkdir(parents=True)
    with pytest.raises(ServerNotFoundError, match=r"make server.*runtime=onnxruntime"):
        find_triton()


def test_a_port_in_use_is_refused_before_anything_starts() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with (
            pytest.raises(BadInputError, match=f"port {port} cannot be used"),
            triton_server(find_triton(), grpc_port=port),
        ):
            pass


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnTriton]:
    own = OwnTriton(Target(), cores=[0])
    yield own
    own.close()


@pytest.mark.integration
def test_a_model_answers_as_its_file_does_until_another_one_takes_its_place(
    own: OwnTriton, network: Path, tmp_path: Path
) -> None:
    other = write_network(tmp_path / "other.onnx", bias=5.0)
    for path in (network, other):
        expectation, served = Expectation(path, 4), own.load("m", path, ONE)
        after = known(served.answers_counted()) + 4
        expectation.check(served.prepare(expectation.images())())
        assert wait_until(partial(has_counted, served, after))
    own.unload("m")
    assert wait_until(lambda: len(tree(own.process)) == 1)
    own.unload("m")


@pytest.mark.integration
def test_a_server_with_dynamic_batching_joins_single_requests_and_answers_each_as_its_file_does(
    own: OwnTriton, network: Path
) -> None:
    batching = Batching(queue_delay_us=200_000, preferred_batches=(8,))
    expectation, served = Expectation(network, 8), own.load("m", network, replace(ONE, batching=batching))
    calls = [served.prepare(expectation.images(8)[number : number + 1]) for number in range(8)]
    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(lambda call: call(), calls))
    expectation.check(np.concatenate(answers))
    assert wait_until(lambda: has_counted(served, 8))
    with InferenceServerClient(own.address) as client:
        (found,) = client.get_inference_statistics("m").model_stats
    assert (found.inference_count, found.execution_count < 8) == (8, True)


@pytest.mark.integration
def test_without_dynamic_batching_every_request_is_an_execution(own: OwnTriton, network: Path) -> None:
    expectation, served = Expectation(network, 1), own.load("m", network, ONE)
    calls = [served.prepare(expectation.images())] * 4
    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(lambda call: call(), calls))
    assert wait_until(lambda: has_counted(served, 4))
    with InferenceServerClient(own.address) as client:
        (found,) = client.get_inference_statistics("m").model_stats
    assert found.execution_count == 4


def priorities(server: int) -> set[int]:
    """Of every thread of the networks that a server holds."""
    found = set()
    for process in tree(server)[1:]:
        with suppress(OSError):
            found |= {
                os.getpriority(os.PRIO_PROCESS, int(one.name)) for one in Path(f"/proc/{process.pid}/task").iterdir()
            }
    return found


def may_be_less_nice_again() -> bool:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, usual - 1)
    except PermissionError:
        return False
    os.setpriority(os.PRIO_PROCESS, 0, usual)
    return True


@pytest.mark.integration
def test_a_network_that_loads_lets_those_that_answer_go_first_and_is_like_them_then(
    own: OwnTriton, network: Path
) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    seen: set[int] = set()
    loading = Thread(target=own.load, args=("m", network, Resources(cores=1, threads=2, instances=1)))
    loading.start()
    while loading.is_alive():
        seen |= priorities(own.process)
    assert max(seen) > usual or not may_be_less_nice_again()
    assert priorities(own.process) == {usual}


@pytest.mark.integration
def test_a_closed_server_leaves_nothing(own: OwnTriton, network: Path) -> None:
    own.load("m", network, ONE)
    processes, folder, shared = tree(own.process), own._running.models, regions(own.process)
    assert len(processes) >= 2
    assert len(shared) >= 2
    began = time.monotonic()
    own.close()
    assert time.monotonic() - began < 2
    assert gone(processes)
    assert not folder.exists()
    assert not any(path.exists() for path in shared)


@pytest.mark.integration
def test_a_revived_server_is_another_one_that_takes_the_model_again(own: OwnTriton, network: Path) -> None:
    own.load("m", network, ONE)
    before = tree(own.process)
    assert own.restart()
    assert gone(before)
    expectation = Expectation(network, 1)
    expectation.check(own.load("m", network, ONE).prepare(expectation.images())())


@pytest.mark.integration
def test_a_server_that_cannot_start_gives_its_own_reason(tmp_path: Path) -> None:
    broken = tmp_path / "repository" / "model"
    broken.mkdir(parents=True)
    (broken / "config.pbtxt").write_text("max_batch_size: not a number")
    with pytest.raises(ServerError, match="exited with code"), triton_server(find_triton(), repository=broken.parent):
        pass


def test_the_backend_in_the_package_imports_nothing_of_ours() -> None:
    text = (OWN_BACKENDS / "onnxruntime" / "model.py").read_text()
    assert "profiler" not in text
    assert shutil.which("tritonserver") or find_triton().backend_kind == "python"


def test_the_server_s_own_onnxruntime_is_known() -> None:
    assert find_triton().onnxruntime_version() == "1.31.1"


@pytest.mark.parametrize("build", ["onnxruntime", "onnxruntime_gpu", "onnxruntime_openvino"])
def test_every_build_of_onnxruntime_tells_its_version(tmp_path: Path, build: str) -> None:
    (tmp_path / f"{build}-1.24.1.dist-info").mkdir()
    (tmp_path / "onnxruntime_extensions-0.14.0.dist-info").mkdir()
    wheel = tmp_path / "pytriton"
    assert Installation(wheel / "tritonserver", "python", wheel).onnxruntime_version() == "1.24.1"


@pytest.mark.integration
def test_a_server_that_lacks_a_provider_refuses_the_model_in_place_of_serving_it_without(network: Path) -> None:
    wheel = find_triton().wheel
    if wheel is None or list(wheel.parent.glob("onnxruntime/capi/*providers_openvino*")):
        pytest.skip("the server here may well have OpenVINO")
    own = OwnTriton(Target(providers=("openvino",)), cores=[0])
    try:
        with pytest.raises(ServerError, match="started no OpenVINOExecutionProvider, only CPUExecutionProvider"):
            own.load("m", network, ONE)
    finally:
        own.close()
