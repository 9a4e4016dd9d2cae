"""A real MLServer on loopback that serves one ONNX file, for tests; it needs `make mlserver`."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support import ROOT
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from profiler.triton.launcher import launch_command
from profiler.triton.server import free_port

PROGRAM = ROOT / ".venv-mlserver" / "bin" / "mlserver"
START_LIMIT_S, STOP_LIMIT_S = 60.0, 5.0


@contextmanager
def mlserver(model: str, path: Path, cores: list[int]) -> Iterator[str]:
    """HOST:PORT of its gRPC service, when it answers; the model may take a moment longer.

    Skips the test where MLServer's environment is missing. The server is gone when the block ends.
    """
    if not PROGRAM.exists():
        pytest.skip("no MLServer here: 'make mlserver' installs one")
    with tempfile.TemporaryDirectory(prefix="dnn-porting-mlserver-") as name:
        folder, port = Path(name), free_port()
        lay_out(folder, model, path, port)
        process = start(folder, cores)
        try:
            wait_until_ready(process, port, folder / "log")
            yield f"127.0.0.1:{port}"
        finally:
            stop(process)


def lay_out(folder: Path, model: str, path: Path, port: int) -> None:
    """MLServer's settings, and a models folder with one model."""
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "grpc_port": port,
        "http_port": free_port(),
        "metrics_endpoint": None,
        "parallel_workers": 0,
    }
    served = {
        "name": model,
        "implementation": "onnx_mlserver.OnnxModel",
        "parameters": {"uri": str(path), "extra": {"threads": 1}},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model").mkdir()
    (folder / "model" / "model-settings.json").write_text(json.dumps(served))


def start(folder: Path, cores: list[int]) -> subprocess.Popen[bytes]:
    """The server in a process group of its own, pinned; it also dies with this process."""
    # The environment of the server has an interpreter of its own.
    command = [str(PROGRAM.with_name("python")), *launch_command(cores)[1:], str(PROGRAM), "start", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    with InferenceServerClient(f"127.0.0.1:{port}") as client:
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(InferenceServerException):
                if client.is_server_ready(client_timeout=1.0):
                    return
            time.sleep(0.1)
    raise AssertionError(f"MLServer did not start: {log.read_text(errors='replace')[-2000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the server to stop, then kills what is left of its process group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_LIMIT_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
