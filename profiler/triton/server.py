"""A local Triton server on loopback: its start, readiness and end."""

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from profiler.common.errors import BadInputError, ServerError
from profiler.common.scratch import SAFE, Scratch, scratch
from profiler.triton.access import CONTROL, new_token, restrictions
from profiler.triton.hidden_arguments import started
from profiler.triton.installation import Installation
from profiler.triton.launcher import launch_command, stop

START_LIMIT_S = 90.0
LOOPBACK = "127.0.0.1"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
# By default, gRPC waits a second, and later up to two minutes, before it connects again to a server that starts.
RECONNECT = [(f"grpc.{which}_reconnect_backoff_ms", 100) for which in ("initial", "min", "max")]
FOLDER, BACKENDS = "triton", "backends"
NOT_HIDDEN = "every user of this machine can read this server's token: the system lets no process trace its child\n"


@dataclass(frozen=True)
class RunningServer:
    """A ready server: its address, log and models; its `token` is `hidden` unless other users can read it."""

    endpoint: str
    process: subprocess.Popen[bytes]
    log: Path
    models: Path
    token: str = field(repr=False)
    hidden: bool


def free_port() -> int:
    """A TCP port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def check_port(port: int) -> None:
    """Raises `BadInputError` where `port` is in use."""
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
    closed: Sequence[str] = CONTROL,
    token: str | None = None,
) -> Iterator[RunningServer]:
    """A ready server, which is stopped at the end of the block and ends with this process and this thread.

    Without a `repository` it has an empty folder of its own, `models`; without an `http_port` it has gRPC only. Of a
    `repository` it loads the models named in `load`, with the settings in `configs/<config_name>.pbtxt` if that file
    exists. The `token`, by default a new one, opens the `closed` interfaces. Raises `BadInputError` for a port in use,
    and `ServerError` where the server does not become ready.
    """
    for wanted in (one for one in (grpc_port, http_port) if one is not None):
        check_port(wanted)
    port = free_port() if grpc_port is None else grpc_port
    # The second folder names the shared memory. The server holds the locks of both.
    with scratch(FOLDER) as own, scratch(FOLDER, SHARED_MEMORY) as shared:
        models = repository.absolute() if repository else own.folder / "models"
        check_safe(models).mkdir(exist_ok=True)
        token, log = token or new_token(), own.folder / "server.log"
        command = [
            *launch_command(cores),
            *options(installation, own.folder, models, port, http_port),
            f"--backend-config=python,shm-region-prefix-name={shared.folder.name}",
            *([f"--load-model={name}" for name in load] if repository else []),
            *([f"--model-config-name={config_name}"] if config_name else []),
        ]
        process, hidden = launched_in(own, shared.descriptor, installation, command, restrictions(closed, token), log)
        server = RunningServer(f"{LOOPBACK}:{port}", process, log, models, token, hidden)
        try:
            wait_until_ready(server, [port] if http_port is None else [port, http_port])
            yield server
        finally:
            stop(process)


def launched_in(
    own: Scratch, shared: int, installation: Installation, command: list[str], secrets: list[str], log: Path
) -> tuple[subprocess.Popen[bytes], bool]:
    """The process of a server that works in its `own` folder, and whether other users cannot read its arguments."""
    with log.open("wb", buffering=0) as output:
        process, hidden = started(
            installation.binary,
            command,
            secrets,
            installation.environment(own.folder / BACKENDS),
            stdout=output,
            stderr=subprocess.STDOUT,
            # The server's files in its working folder are removed with that folder.
            cwd=own.folder,
            pass_fds=(own.descriptor, shared),
            # The process group identifies the backends of a server that was killed.
            process_group=0,
        )
        if not hidden:
            output.write(NOT_HIDDEN.encode())
    return process, hidden


def check_safe(models: Path) -> Path:
    """The folder itself; raises `BadInputError` for a name that the shell of Triton's Python backend interprets."""
    if not SAFE.fullmatch(str(models)):
        raise BadInputError(
            f"{str(models)!r} cannot be served: Triton gives its name to a shell, so it may have letters, digits, '_', "
            "'.', '-' and '/' only: rename it"
        )
    return models


def options(installation: Installation, folder: Path, models: Path, port: int, http_port: int | None) -> list[str]:
    """The command of the server: on loopback, with every model as its configuration says."""
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
        "--exit-timeout-secs=1",
        *installation.link_backends(folder / BACKENDS),
    ]


def wait_until_ready(server: RunningServer, ports: Sequence[int]) -> None:
    """Returns when the server reports that it is ready; raises `ServerError` when it exits or takes too long."""
    deadline = time.monotonic() + START_LIMIT_S
    with InferenceServerClient(server.endpoint, channel_args=RECONNECT) as client:
        while time.monotonic() < deadline:
            if server.process.poll() is not None:
                raise ServerError(f"tritonserver exited with code {server.process.returncode}: {log_errors(server)}")
            with suppress(InferenceServerException):
                # Another process may answer at this port.
                if client.is_server_ready(client_timeout=1.0) and listens(server.process.pid, ports):
                    return
            time.sleep(0.05)
    raise ServerError(f"tritonserver was not ready within {START_LIMIT_S:.0f} s: {log_errors(server)}")


def listens(process: int, ports: Sequence[int]) -> bool:
    """Whether this process listens on all the ports."""
    with suppress(psutil.Error):
        sockets = psutil.Process(process).net_connections("tcp")
        return {*ports} <= {one.laddr.port for one in sockets if one.status == psutil.CONN_LISTEN}
    return False


def log_errors(server: RunningServer) -> str:
    """The last lines of the server's log that report an error, on one line."""
    lines = server.log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("E") or "rror" in line] or lines
    return " | ".join(line.strip() for line in errors[-3:])[:600] or "it printed nothing"
