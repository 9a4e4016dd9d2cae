"""An NGINX in front of several servers, which balances single requests.

NGINX forwards gRPC (HTTP/2 without TLS) to the server with the fewest requests in progress. A request is forwarded only
when it is complete, so that NGINX can send it to the next server if a server dies: inference has no side effects.
nginx.org/en/docs: http/ngx_http_grpc_module, http/ngx_http_upstream_module.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template

from orchestrators.live.nginx_master import POLL_S, wait_for
from profiler.common.errors import ServerError, ServerNotFoundError
from profiler.common.scratch import scratch
from profiler.triton.launcher import launch_command, stop
from profiler.triton.server import LOOPBACK, check_port, free_port

START_LIMIT_S = 20.0
# Debian installs nginx in a folder that is only in root's PATH.
SYSTEM = "/usr/local/sbin:/usr/sbin"
CONFIG = Path(__file__).with_name("nginx.conf")


@dataclass(frozen=True)
class RunningNginx:
    """An NGINX that takes requests at `endpoint`, with the files of its servers, its process id and its log."""

    endpoint: str
    process: subprocess.Popen[bytes]
    servers_file: Path
    pid_file: Path
    log: Path


@contextmanager
def nginx_server(servers: Sequence[str], port: int | None = None) -> Iterator[RunningNginx]:
    """Balances over `servers` (HOST:PORT) on loopback until the block or this process ends.

    Raises `ServerNotFoundError` where no NGINX is installed, `BadInputError` for a port in use, `ServerError` where it
    does not start.
    """
    binary, port = find_nginx(), free_port() if port is None else port
    check_port(port)
    with scratch("nginx") as made:
        folder = made.folder
        # Workers of an NGINX that root starts run as another user.
        folder.chmod(0o711)
        config, log = folder / "nginx.conf", folder / "error.log"
        endpoint = f"{LOOPBACK}:{port}"
        config.write_text(Template(CONFIG.read_text()).substitute(folder=folder, address=endpoint))
        (folder / "servers.conf").write_text(server_lines(dict.fromkeys(servers, "")))
        with log.open("wb") as output:
            # SIGKILL would leave its workers running.
            launcher = launch_command(at_end=signal.SIGTERM)
            command = [*launcher, binary, "-p", str(folder), "-e", str(log), "-c", str(config)]
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[made.descriptor],
                process_group=0,
            )
        running = RunningNginx(endpoint, process, folder / "servers.conf", folder / "nginx.pid", log)
        try:
            wait_until_listening(running)
            yield running
        finally:
            stop(process)


def find_nginx() -> str:
    """The path of the nginx binary; raises `ServerNotFoundError` where none is installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), SYSTEM])
    if binary := shutil.which("nginx", path=path):
        return binary
    raise ServerNotFoundError(
        f"no NGINX: looked for nginx in {path}. Install it with 'make nginx', or drive one server"
    )


def server_lines(marks: Mapping[str, str]) -> str:
    """The lines of an `upstream`, one for each server with its mark: in rotation (empty), `backup` or `down`.

    A server that fails gets no request for 10 s while there are others.
    """
    return "".join(f"server {server} max_fails=1 fail_timeout=10s {mark};\n" for server, mark in marks.items())


def wait_until_listening(running: RunningNginx) -> None:
    """Returns when NGINX listens; raises `ServerError` with the end of its log if it exits or takes too long."""

    def listens() -> bool:
        if running.process.poll() is not None:
            raise ServerError(f"NGINX exited with code {running.process.returncode}: {end_of_log(running.log)}")
        host, port = running.endpoint.split(":")
        with suppress(OSError), socket.create_connection((host, int(port)), POLL_S):
            return running.pid_file.exists()
        return False

    if not wait_for(listens, START_LIMIT_S):
        raise ServerError(f"NGINX did not listen within {START_LIMIT_S:g} s: {end_of_log(running.log)}")


def end_of_log(log: Path) -> str:
    """The last lines of NGINX's log, on one line."""
    lines = log.read_text(errors="replace").splitlines()
    return " | ".join(line.strip() for line in lines[-3:])[:600] or "an empty log"
