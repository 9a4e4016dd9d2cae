"""OpenVINO for real: it answers as the CPU does, on the target's cores and threads, in this process and in Triton."""

import os
from pathlib import Path

import onnxruntime as ort
import pytest
from stub_host import REFERENCE_PER_S
from support import write_network
from survival import level, profiled

from profiler import bench as bench_module
from profiler.bench import bench
from profiler.resources import Resources
from profiler.runtimes.providers import NAMES, PACKAGES
from profiler.runtimes.served import Expectation, InProcess
from profiler.runtimes.session import open_session
from profiler.subject import Subject
from profiler.system.processes import thread_folders, tree
from profiler.target import Runtime, Target
from profiler.triton.installation import find_triton

MISSING = f"has no OpenVINO: put {PACKAGES['openvino']} in place of onnxruntime"
pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        NAMES["openvino"] not in ort.get_available_providers(), reason=f"the installed ONNX Runtime {MISSING}"
    ),
]

CALLS = 20
# What a thread does that computes nothing.
IDLE_SHARE = 0.2


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host that nobody else measures on."""
    monkeypatch.setattr(bench_module, "HOST_LOCK", tmp_path / "lock")


@pytest.fixture(params=["onnxruntime", "triton"])
def target(request: pytest.FixtureRequest) -> Target:
    runtime: Runtime = request.param
    if runtime == "triton":
        wheel = find_triton().wheel
        if wheel is not None and not list(wheel.parent.glob("onnxruntime/capi/*providers_openvino*")):
            pytest.skip(f"the ONNX Runtime of the server's environment {MISSING}")
    return Target(runtime=runtime, providers=("openvino",))


def serving_threads(pid: int | None) -> list[Path]:
    """The threads of a process and of all that it started."""
    return [folder for process in tree(pid or os.getpid()) for folder in thread_folders(process.pid)]


def worked_ns(pid: int | None) -> dict[str, int]:
    """For how long each of these threads ran on a core."""
    return {folder.name: int((folder / "schedstat").read_text().split()[0]) for folder in serving_threads(pid)}


def test_a_profile_is_whole_and_says_what_measured_it(network: Path, target: Target) -> None:
    with bench("here", target) as ready:
        profile = profiled(ready, network, level(1, 4))
    assert profile.missing == ()
    assert profile.fingerprint.providers == ["openvino"]
    assert profile.fingerprint.onnxruntime_version is not None
    assert {point.runtime for point in profile.max_throughput} == {target.runtime}


def test_it_comes_first_in_the_session_and_answers_as_the_cpu_does(network: Path) -> None:
    assert open_session(network, 1, ("openvino",)).get_providers()[0] == NAMES["openvino"]
    expectation = Expectation(network, 8)
    for threads in (1, 2):
        expectation.check(InProcess(network, threads, ("openvino",)).prepare(expectation.images)())


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core has no use for two threads")
@pytest.mark.parametrize("threads", [1, 2])
def test_it_computes_in_as_many_threads_as_it_is_given(tmp_path: Path, target: Target, threads: int) -> None:
    deep, resources = write_network(tmp_path / "deep.onnx", work=60), Resources(2, threads, 1)
    with bench("here", target) as here, Subject(here, deep, REFERENCE_PER_S, []) as subject:
        call = subject.serve(resources).prepare(subject.expectation.images)
        with subject.driving(resources):
            call()
            before = worked_ns(here.host.process)
            for _ in range(CALLS):
                call()
            after = worked_ns(here.host.process)
    *_, second, first = sorted(after[thread] - before.get(thread, 0) for thread in after)
    assert (second > IDLE_SHARE * first) == (threads == 2)


def test_nothing_leaves_the_target_s_cores(network: Path, target: Target) -> None:
    before = serving_threads(os.getpid())
    with bench("here", target) as here, Subject(here, network, REFERENCE_PER_S, []) as subject:
        call = subject.serve().prepare(subject.expectation.images[:4])
        with subject.driving():
            call()
            assert os.sched_getaffinity(0) == set(here.client_cores if here.host.address else here.server_cores)
        serving = [thread for thread in serving_threads(here.host.process) if thread not in before]
        assert {tuple(os.sched_getaffinity(int(one.name))) for one in serving} == {tuple(here.server_cores)}
