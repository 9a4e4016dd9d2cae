"""OpenVINO for real: it answers as the CPU does, on the target's cores and threads, in this process and in Triton."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from survival import level, profiled

from profiler.common.target import Resources, Runtime, Target
from profiler.runtimes.own_process import InProcess
from profiler.runtimes.providers import NAMES, PACKAGES
from profiler.runtimes.served import Call, Expectation
from profiler.runtimes.session import open_session
from profiler.system.processes import thread_folders, tree
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target
from profiler.triton.installation import find_triton

MISSING = f"has no OpenVINO: put {PACKAGES['openvino']} in place of onnxruntime"
pytestmark = [
    pytest.mark.alone,
    pytest.mark.integration,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        NAMES["openvino"] not in ort.get_available_providers(), reason=f"the installed ONNX Runtime {MISSING}"
    ),
]

CALLS = 20
# What a thread does that computes nothing.
IDLE_SHARE = 0.2


@pytest.fixture(params=["onnxruntime", "triton"])
def target(request: pytest.FixtureRequest) -> Target:
    runtime: Runtime = request.param
    if runtime == "triton":
        wheel = find_triton().wheel
        if wheel is not None and not list(wheel.parent.glob("onnxruntime/capi/*providers_openvino*")):
            pytest.skip(f"the ONNX Runtime of the server's environment {MISSING}")
    return Target(runtime=runtime, providers=("openvino",))


@pytest.fixture
def broad(tmp_path: Path) -> Path:
    """A network whose layers each take long enough for a second thread to help: 32 channels on 32×32."""
    generator = np.random.default_rng(0)
    weights = {
        "first": generator.standard_normal((32, 1, 3, 3), dtype=np.float32),
        "second": generator.standard_normal((32, 32, 3, 3), dtype=np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "first"], ["one"], pads=[1, 1, 1, 1]),
            helper.make_node("Conv", ["one", "second"], ["two"], pads=[1, 1, 1, 1]),
            helper.make_node("GlobalAveragePool", ["two"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["output"]),
        ],
        "broad",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 1, 32, 32])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 32])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    path = tmp_path / "broad.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def serving_threads(pid: int | None) -> list[Path]:
    """The threads of a process and of all that it started."""
    return [folder for process in tree(pid or os.getpid()) for folder in thread_folders(process.pid)]


def worked_ns(pid: int | None) -> dict[str, int]:
    """For how long each of these threads ran on a core."""
    return {folder.name: int((folder / "schedstat").read_text().split()[0]) for folder in serving_threads(pid)}


def test_a_profile_is_whole_and_says_what_measured_it(network: Path, target: Target) -> None:
    with prepared_target("here", target) as ready:
        profile = profiled(ready, network, level(1, 4))
    assert profile.missing == ()
    assert profile.fingerprint.providers == ["openvino"]
    assert profile.fingerprint.onnxruntime_version is not None
    assert {point.runtime for point in profile.max_throughput} == {target.runtime}


def test_it_comes_first_in_the_session_and_answers_as_the_cpu_does(network: Path) -> None:
    assert open_session(network, 1, ("openvino",)).get_providers()[0] == NAMES["openvino"]
    expectation = Expectation(network, 8)
    for threads in (1, 2):
        expectation.check(InProcess(network, threads, ("openvino",)).prepare(expectation.images())())


def work_of_the_second_thread(call: Call, pid: int | None) -> float:
    """How much the second busiest thread computed, as a share of the busiest one."""
    call()
    before = worked_ns(pid)
    for _ in range(CALLS):
        call()
    after = worked_ns(pid)
    *_, second, first = sorted(after[thread] - before.get(thread, 0) for thread in after)
    return second / first


def in_a_process_of_its_own(path: Path, threads: int) -> float:
    call = InProcess(path, threads, ("openvino",)).prepare(Expectation(path, 64).images())
    return work_of_the_second_thread(call, os.getpid())


two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core has no use for two threads")


@two_cores
@pytest.mark.parametrize("threads", [1, 2])
def test_a_session_computes_in_as_many_threads_as_it_is_given(broad: Path, threads: int) -> None:
    # It counts the cores once in a process, which an earlier test may have held to one.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        share = pool.submit(in_a_process_of_its_own, broad, threads).result()
    assert (share > IDLE_SHARE) == (threads == 2)


@two_cores
@pytest.mark.parametrize("target", ["triton"], indirect=True)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_server_on_one_core_computes_in_two_threads_when_it_is_given_two(
    broad: Path, target: Target, threads: int
) -> None:
    resources = Resources(2, threads, 1)
    with prepared_target("here", target) as here, ModelUnderTest(here, broad) as model:
        call = model.serve(resources).prepare(model.expectation.images())
        with model.driving(resources):
            share = work_of_the_second_thread(call, here.host.process)
    assert (share > IDLE_SHARE) == (threads == 2)


def test_nothing_leaves_the_target_s_cores(network: Path, target: Target) -> None:
    before = serving_threads(os.getpid())
    with prepared_target("here", target) as here, ModelUnderTest(here, network) as model:
        call = model.serve().prepare(model.expectation.images(4))
        with model.driving():
            call()
            assert os.sched_getaffinity(0) == set(here.client_cores if here.host.address else here.server_cores)
        serving = [thread for thread in serving_threads(here.host.process) if thread not in before]
        assert {tuple(os.sched_getaffinity(int(one.name))) for one in serving} == {tuple(here.server_cores)}
