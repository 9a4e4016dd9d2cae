"""Starting, watching and stopping a Triton server of our own, on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from profiler.errors import BadInputError, ServerError
from profiler.triton.installation import Installation

START_LIMIT_S = 90.0
STOP_LIMIT_S = 20.0
LOOPBACK = "127.0.0.1"
LAUNCHER = Path(__file__).with_name("launch.py")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
# Who asks before the server listens is by gRPC's own choice not heard for a second, and later for up to two minutes.
RECONNECT = [(f"grpc.{which}_reconnect_backoff_ms", 100) for which in ("initial", "min", "max")]
FOLDER = "dnn-porting-triton"


@dataclass(frozen=True)
class RunningServer:
    """A server that answers: its gRPC address, what it printed, and the folder that it loads models from."""

    endpoint: str
    process: subprocess.Popen[bytes]
    log: Path
    models: Path


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def check_port(port: int) -> None:
    """Raises `BadInputError` where somebody listens on `port` already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise BadInputError(
                f"port {port} cannot be used ({error.strerror}): choose another from 1024 to 65535"
            ) from error


@contextmanager
def triton_server(
    installation: Installation,
    repository: Path | None = None,
    grpc_port: int | None = None,
    http_port: int | None = None,
    cores: list[int] | None = None,
    load: Sequence[str] = ("*",),
    config_name: str | None = None,
) -> Iterator[RunningServer]:
    """A ready server, stopped on the way out whatever happens; it also dies with this process.

    Without a `repository` it starts with an empty folder of its own, `models`. Without an `http_port`
    it speaks gRPC only. `cores` pins it. Of a `repository` it loads the models named in `load`, with the settings
    that they have as `configs/<config_name>.pbtxt` where there is such a file.
    Raises `BadInputError` for a port in use, `ServerError` where it does not become ready.
    """
    port = free_port() if grpc_port is None else grpc_port
    for wanted in (grpc_port, http_port):
        if wanted is not None:
            check_port(wanted)
    remove_leftovers()
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER}-{os.getpid()}-") as name:
        folder = Path(name)
        models = repository or folder / "models"
        models.mkdir(exist_ok=True)
        log = folder / "server.log"
        command = [
            *launched(cores),
            *options(installation, folder, models, port, http_port),
            *([f"--load-model={name}" for name in load] if repository else []),
            *([f"--model-config-name={config_name}"] if config_name else []),
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=installation.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own, so that the backends of a server that was killed can be found.
                process_group=0,
            )
        server = RunningServer(f"{LOOPBACK}:{port}", process, log, models)
        try:
            wait_until_ready(server)
            yield server
        finally:
            stop(process)
            for region in SHARED_MEMORY.glob(f"{folder.name}*"):
                region.unlink(missing_ok=True)


def launched(cores: list[int] | None) -> list[str]:
    """The beginning of the command: what pins the server to these cores and lets it die with this process."""
    return [sys.executable, "-S", str(LAUNCHER), ",".join(map(str, cores)) if cores else "all"]


def options(installation: Installation, folder: Path, models: Path, port: int, http_port: int | None) -> list[str]:
    """The server and its options: on loopback, and every model as its configuration says."""
    http = ["--allow-http=false"] if http_port is None else [f"--http-address={LOOPBACK}", f"--http-port={http_port}"]
    return [
        str(installation.binary),
        f"--model-repository={models}",
        "--model-control-mode=explicit",
        "--disable-auto-complete-config",
        f"--grpc-address={LOOPBACK}",
        f"--grpc-port={port}",
        *http,
        "--allow-metrics=false",
        "--exit-timeout-secs=5",
        f"--backend-config=python,shm-region-prefix-name={folder.name}",
        *installation.link_backends(folder / "backends"),
    ]


def remove_leftovers() -> None:
    """What killed runs left: folders and shared memory that are named after a process which is gone."""
    for place in (Path(tempfile.gettempdir()), SHARED_MEMORY):
        for leftover in place.glob(f"{FOLDER}-*"):
            process = leftover.name.removeprefix(f"{FOLDER}-").partition("-")[0]
            if process.isdigit() and not Path("/proc", process).exists():
                # Somebody else's cannot be removed, and need not be.
                with suppress(OSError):
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def wait_until_ready(server: RunningServer) -> None:
    """Returns when the server says ready; raises `ServerError` when it exits or takes too long."""
    deadline = time.monotonic() + START_LIMIT_S
    with InferenceServerClient(server.endpoint, channel_args=RECONNECT) as client:
        while time.monotonic() < deadline:
            if server.process.poll() is not None:
                raise ServerError(f"tritonserver exited with code {server.process.returncode}: {last_words(server)}")
            try:
                if client.is_server_ready(client_timeout=1.0):
                    return
            except InferenceServerException:
                pass
            time.sleep(0.05)
    raise ServerError(f"tritonserver was not ready within {START_LIMIT_S:.0f} s: {last_words(server)}")


def last_words(server: RunningServer) -> str:
    """The last lines of the server's log that tell of an error, on one line."""
    lines = server.log.read_text(errors="replace").splitlines()
    telling = [line for line in lines if line.startswith("E") or "rror" in line] or lines
    return " | ".join(line.strip() for line in telling[-3:])[:600] or "it printed nothing"


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop, then make it; what it started goes with it."""
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
