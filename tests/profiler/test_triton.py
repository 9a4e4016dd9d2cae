"""The real server: starting, loading, answering, stopping, and what it does when things are wrong."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from support import environment
from tritonclient.grpc.model_config_pb2 import ModelConfig

from profiler.errors import BadInputError, ServerError, ServerNotFoundError
from profiler.identity import measurement_key
from profiler.level import QuickSettings
from profiler.quick import bench
from profiler.runtimes.served import Expectation
from profiler.runtimes.session import Tensor
from profiler.runtimes.v2 import connected, loaded
from profiler.target import Target
from profiler.triton.config import ServingSettings, model_config, to_text
from profiler.triton.installation import find_triton
from profiler.triton.server import FOLDER, remove_leftovers, triton_server

QUICK = QuickSettings(
    level="quick",
    batches=[1, 4],
    seconds_per_batch=0.02,
    throughput_batches=[4],
    max_concurrency=2,
    search_slices=1,
    settle_slices=6,
)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0]
    except FileNotFoundError:
        return False


def wait_until(condition, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


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


def test_no_triton_says_how_to_get_one_and_offers_the_other_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
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


def test_no_server_at_the_endpoint_is_said() -> None:
    with pytest.raises(ServerNotFoundError, match=r"127\.0\.0\.1:9"), connected("127.0.0.1:9"):
        pass


@pytest.mark.integration
def test_a_model_answers_as_its_file_does_and_is_counted(network: Path) -> None:
    expectation = Expectation(network, 4)
    with triton_server(find_triton()) as server, connected(server.endpoint) as client:
        with loaded(client, network, Target()) as (model, seconds):
            assert seconds > 0
            before = model.answers_counted()
            answers = model.prepare(expectation.images)()
            expectation.check(answers)
            assert model.answers_counted() == before + 4
        assert wait_until(lambda: not client.is_model_ready(f"dnn-porting-{network.parent.name}"))
    assert server.process.poll() is not None
    assert not list(Path("/dev/shm").glob(f"{FOLDER}-{os.getpid()}-*"))


@pytest.mark.integration
def test_a_request_that_the_network_refuses_is_an_error_not_an_empty_answer(network: Path) -> None:
    with triton_server(find_triton()) as server, connected(server.endpoint) as client:
        with loaded(client, network, Target()) as (model, _), pytest.raises(ServerError, match="inference failed"):
            model.prepare(np.zeros((1, 1, 9, 9), np.float32))()


@pytest.mark.integration
def test_a_server_that_cannot_start_gives_its_own_reason(tmp_path: Path) -> None:
    broken = tmp_path / "repository" / "model"
    broken.mkdir(parents=True)
    (broken / "config.pbtxt").write_text("max_batch_size: not a number")
    with pytest.raises(ServerError, match="exited with code"), triton_server(find_triton(), repository=broken.parent):
        pass


@pytest.mark.integration
def test_the_server_dies_with_a_killed_profiler(tmp_path: Path) -> None:
    code = (
        "import time\nfrom profiler.triton.installation import find_triton\n"
        "from profiler.triton.server import triton_server\n"
        "with triton_server(find_triton()) as server:\n print(server.process.pid, flush=True); time.sleep(100)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, text=True
    ) as profiler:
        assert profiler.stdout is not None
        server = int(profiler.stdout.readline())
        assert alive(server)
        os.kill(profiler.pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(server))
    left = list(Path("/tmp").glob(f"{FOLDER}-{profiler.pid}-*"))
    assert left
    remove_leftovers()
    assert not any(folder.exists() for folder in left)


@pytest.mark.integration
@pytest.mark.parametrize("runtime", ["triton", "onnxruntime"])
def test_the_quick_level_measures_every_row(network: Path, runtime: str) -> None:
    target = Target(runtime=runtime)
    with bench("here", target, QUICK) as ready:
        profile, samples = ready.profile(network, "0" * 64, None, lambda _: None)
    assert profile.key == measurement_key("0" * 64, target, QUICK)
    assert profile.fingerprint.backend_kind == ("in-process" if runtime == "onnxruntime" else "python")
    assert [point.batch for point in profile.latency] == [1, 4]
    assert [first.batch for first in profile.first_inference] == [1, 4]
    assert profile.complexity.macs == 4 * 9 * 64 + 12
    assert profile.load_time.runtime == runtime
    best = profile.max_throughput
    assert best.slices == 6
    assert best.images_per_s == pytest.approx(np.median(samples[last_run(samples)]))
    assert best.low_images_per_s <= best.images_per_s <= best.high_images_per_s
    assert best.verdict_reason


def last_run(samples: dict[str, np.ndarray]) -> str:
    return sorted(name for name in samples if name.endswith("_images_per_s"))[-1]


@pytest.mark.integration
def test_a_server_that_is_killed_ends_the_measurement_with_a_reason(network: Path) -> None:
    with triton_server(find_triton()) as server, connected(server.endpoint) as client:
        with loaded(client, network, Target()) as (model, _):
            call = model.prepare(np.zeros((1, 1, 8, 8), np.float32))
            call()
            server.process.kill()
            server.process.wait()
            with pytest.raises(ServerError, match="inference failed"):
                call()


@pytest.mark.integration
def test_two_profilers_do_not_measure_at_once() -> None:
    with bench("here", Target(runtime="onnxruntime"), QUICK):
        with (
            pytest.raises(BadInputError, match="in use by process"),
            bench("here", Target(runtime="onnxruntime"), QUICK),
        ):
            pass


def test_the_key_follows_what_decides_and_no_path_or_port(tmp_path: Path) -> None:
    plain = measurement_key("0" * 64, Target(), QUICK)
    assert measurement_key("0" * 64, Target(grpc_port=9000), QUICK) == plain
    assert measurement_key("1" * 64, Target(), QUICK) != plain
    assert measurement_key("0" * 64, Target(threads=2), QUICK) != plain
    assert measurement_key("0" * 64, Target(), QUICK.model_copy(update={"settle_slices": 7})) != plain
    environment_elsewhere = tmp_path / "env"
    environment_elsewhere.symlink_to(Path(sys.prefix).parent / ".venv-triton")
    assert measurement_key("0" * 64, Target(server_environment=environment_elsewhere), QUICK) == plain


def test_the_backend_in_the_package_imports_nothing_of_ours() -> None:
    from profiler.triton.installation import OUR_BACKENDS

    text = (OUR_BACKENDS / "onnxruntime" / "model.py").read_text()
    assert "profiler" not in text
    assert shutil.which("tritonserver") or find_triton().backend_kind == "python"


def test_more_cores_than_there_are_is_refused() -> None:
    with pytest.raises(BadInputError, match="cores=4096 cannot be had"):
        with bench("here", Target(cores=4096), QUICK):
            pass


def test_an_endpoint_on_another_machine_is_refused() -> None:
    with pytest.raises(BadInputError, match="is on another machine"):
        with bench("there", Target(endpoint="192.0.2.1:8001"), QUICK):
            pass


@pytest.mark.integration
def test_an_endpoint_of_the_user_is_measured_and_left_running(network: Path) -> None:
    with triton_server(find_triton()) as server:
        with bench("theirs", Target(endpoint=server.endpoint), QUICK) as ready:
            profile, _ = ready.profile(network, "0" * 64, None, lambda _: None)
        assert server.process.poll() is None
    assert profile.fingerprint.backend_kind == "unknown"
    assert profile.fingerprint.onnxruntime_version is None
    assert profile.max_throughput.server_answers is not None


def test_the_server_s_own_onnxruntime_is_known() -> None:
    assert find_triton().onnxruntime_version() == "1.31.1"
