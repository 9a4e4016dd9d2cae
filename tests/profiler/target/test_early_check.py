"""The check of a target before any work: one line with the fix."""

import os
import time
from pathlib import Path

import pytest
from servers.short_lived import short_lived_triton

from profiler.common.errors import BadInputError, ServerNotFoundError
from profiler.common.target import Target
from profiler.target.early_check import check_target
from profiler.target.prepared_target import prepared_target


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"cores": 4096}, r"cores=4096 are not available: set targets\.<name>\.cores to at most \d+"),
        ({"endpoint": "192.0.2.1:8001"}, "is on another machine.*: run 'python -m profiler' there"),
        ({"endpoint": "127.0.0.1:9"}, "no inference server answers at 127.0.0.1:9 .*: start it, or leave"),
        ({"runtime": "v2", "endpoint": "127.0.0.1:9", "model": "m"}, "no inference server answers at 127.0.0.1:9"),
        ({"runtime": "onnxruntime", "providers": ("tensorrt",)}, "provider tensorrt is not in the installed"),
        ({"runtime": "torch", "providers": ("openvino",)}, "runtime=torch has no provider openvino"),
    ],
)
def test_a_target_that_cannot_be_measured_here_is_refused_with_the_fix(target: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        check_target(Target.model_validate(target))


def test_a_server_that_is_not_installed_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(ServerNotFoundError, match=r"no Triton server: .*Install one with 'make server'"):
        check_target(Target(server_environment=tmp_path))


def test_a_load_generator_that_is_not_installed_is_named_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.load_generator.perf_analyzer.shutil.which", lambda _: None)
    monkeypatch.setattr("profiler.target.early_check.find_triton", lambda _: None)
    with pytest.raises(BadInputError, match="no perf_analyzer on the PATH: pip install perf-analyzer"):
        check_target(Target(load_generator="perf_analyzer"))


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_a_target_on_all_cores_is_accepted_and_one_on_more_is_not(runtime: str) -> None:
    cores = len(os.sched_getaffinity(0))
    check_target(Target.model_validate({"runtime": runtime, "cores": cores}))
    with pytest.raises(BadInputError, match=f"cores={cores + 1} are not available: .* to at most {cores},"):
        check_target(Target.model_validate({"runtime": runtime, "cores": cores + 1}))


@pytest.mark.integration
def test_a_server_that_answers_is_accepted_and_left_running() -> None:
    with short_lived_triton() as server:
        check_target(Target(endpoint=server.endpoint))
        assert server.process.poll() is None


def test_a_target_is_checked_before_the_wait_for_another_run() -> None:
    start = time.monotonic()
    with prepared_target("here", Target(runtime="onnxruntime")):
        with (
            pytest.raises(BadInputError, match="cores=4096 are not available"),
            prepared_target("x", Target(cores=4096)),
        ):
            pass
    assert time.monotonic() - start < 30
