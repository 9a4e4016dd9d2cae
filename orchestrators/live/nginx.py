"""A real NGINX of our own before several servers, which balances each request.

It passes gRPC on (HTTP/2 without TLS) to the server with the fewest requests under way. A request is held until it is
whole, so that it can be sent to the next server where one dies with it: inference has no effect that a second time
would repeat. nginx.org/en/docs: http/ngx_http_grpc_module, http/ngx_http_upstream_module.
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

from orchestrators.live.nginx_master import POLL_S, wait_for
from profiler.common.errors import ServerError, ServerNotFoundError
from profiler.common.scratch import scratch
from profiler.triton.child_processes import launch_command, stop
from profiler.triton.server import LOOPBACK, check_port, free_port

START_LIMIT_S = 20.0
# Debian keeps it where only root's PATH leads.
SYSTEM = "/usr/local/sbin:/usr/sbin"

# The mirror does nothing but have the whole request read first: what is passed on as it comes cannot be sent again.
# That is done by a second location and not by grpc_next_upstream's non_idempotent, which spoils a request that is half
# sent. One worker, as several would not know of each other's requests under way.
CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    # A connection ends after so many requests, to free its memory; each end costs the clients a new connection.
    keepalive_requests 100000;
    # An old worker waits so long for clients to close connections from which they do not read.
    lingering_timeout 1s;
    upstream servers {{
        least_conn;
        include {folder}/servers.conf;
        keepalive 256;
        keepalive_requests 100000;
    }}
    server {{
        # Deferred, as one who connects before a reload and speaks after it would keep the old worker for as long as he
        # likes: so no worker has him before he speaks.
        listen {address} http2 deferred;
        grpc_connect_timeout 1s;
        location / {{
            mirror /whole;
            grpc_pass grpc://servers;
            error_page 502 = @again;
        }}
        location @again {{ grpc_pass grpc://servers; }}
        location = /whole {{ internal; return 204; }}
    }}
}}
"""


@dataclass(frozen=True)
class RunningNginx:
    """An NGINX that takes requests at `endpoint`: the file with its servers, that with its process id, its log."""

    endpoint: str
    process: subprocess.Popen[bytes]
    servers_file: Path
    pid_file: Path
    log: Path


@contextmanager
def nginx_server(servers: Sequence[str], port: int | None = None) -> Iterator[RunningNginx]:
    """Balances over `servers` (HOST:PORT) on loopback; stopped on the way out, and dies with this process.

    Raises `ServerNotFoundError` where no NGINX is installed, `BadInputError` for a port in use, `ServerError` where it
    does not start.
    """
    binary, port = find_nginx(), free_port() if port is None else port
    check_port(port)
    with scratch("nginx") as made:
        folder = made.folder
        # Its workers are another user's where it is started by root.
        folder.chmod(0o711)
        config, log = folder / "nginx.conf", folder / "error.log"
        endpoint = f"{LOOPBACK}:{port}"
        config.write_text(CONFIG.format(folder=folder, address=endpoint))
        (folder / "servers.conf").write_text(server_lines(dict.fromkeys(servers, "")))
        with log.open("wb") as output:
            # Killed at once, it would leave its workers behind.
            launcher = launch_command(dying=signal.SIGTERM)
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
    """Raises `ServerNotFoundError` where there is none."""
    path = os.pathsep.join([os.environ.get("PATH", ""), SYSTEM])
    if binary := shutil.which("nginx", path=path):
        return binary
    raise ServerNotFoundError(
        f"no NGINX: looked for nginx in {path}. Install it with 'make nginx', or drive one server"
    )


def server_lines(marks: Mapping[str, str]) -> str:
    """The servers as an `upstream` includes them, each with its mark: in (empty), `backup` or `down`.

    One that fails gets nothing for 10 s, while there are others.
    """
    return "".join(f"server {server} max_fails=1 fail_timeout=10s {mark};\n" for server, mark in marks.items())


def wait_until_listening(running: RunningNginx) -> None:
    """Raises `ServerError` with the log's last words when it exits or takes too long."""

    def listens() -> bool:
        if running.process.poll() is not None:
            raise ServerError(f"NGINX exited with code {running.process.returncode}: {last_words(running.log)}")
        host, port = running.endpoint.split(":")
        with suppress(OSError), socket.create_connection((host, int(port)), POLL_S):
            return running.pid_file.exists()
        return False

    if not wait_for(listens, START_LIMIT_S):
        raise ServerError(f"NGINX did not listen within {START_LIMIT_S:g} s: {last_words(running.log)}")


def last_words(log: Path) -> str:
    """The last lines of NGINX's log, on one line."""
    lines = log.read_text(errors="replace").splitlines()
    return " | ".join(line.strip() for line in lines[-3:])[:600] or "it wrote nothing"
