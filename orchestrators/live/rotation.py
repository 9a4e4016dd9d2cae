"""The servers that get requests: a server is out of rotation while a network is replaced on it, one at a time.

In the thesis (section 5.5) the remaining late answers come from servers that switch at the same time, and from requests
that reach a server during a switch. A server stays in rotation where the others have no room for its requests: its old
network answers during the switch, and an overload of all servers would delay far more requests.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from psutil import Process

from orchestrators.live.nginx import server_lines
from orchestrators.live.nginx_master import reload, wait_until_gone
from orchestrators.live.usage import Use
from profiler.common.errors import BadInputError, ServerError
from profiler.common.files import write_atomically

# NGINX's marks: the server gets all requests, or only those that every other server refuses, or none.
Mark = Literal["", "backup", "down"]
# The highest CPU use of the other servers during a switch; above it requests begin to wait for each other.
FULL = 0.9


class Rotation:
    """The rotation that all agents share; without NGINX clients call the servers directly, and every server stays in.

    Only one server switches at a time.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()

    @contextmanager
    def without(self, endpoint: str) -> Iterator[None]:  # noqa: ARG002
        """Takes the server out of rotation while the block runs; only one block of all servers runs at a time."""
        with self._turn:
            yield

    def note_use(self, endpoint: str, use: Use) -> None:
        """Notes the last CPU use of a server, which decides whether the others can replace it."""

    def leave_out(self, endpoint: str) -> None:
        """Takes out a server that cannot answer, until a block of `without` for it ends without an error."""


class NginxRotation(Rotation):
    """The servers in the `upstream` of a running NGINX, which includes `servers_file`; its process id is in `pid_file`.

    At the start all servers are in rotation. A server that switches becomes NGINX's `backup`: it gets a request only
    where every other one fails, as its old network still answers. The last server stays in, and so does one whose
    requests the others have no room for. Raises `ServerError` where NGINX does not run or refuses the file.
    """

    def __init__(self, servers_file: Path, pid_file: Path, endpoints: Sequence[str]) -> None:
        super().__init__()
        self._file, self._pid_file, self._change = servers_file, pid_file, threading.Lock()
        self._marks: dict[str, Mark] = dict.fromkeys(endpoints, "")
        self._uses: dict[str, Use] = {}
        self._apply(self._marks)

    @contextmanager
    def without(self, endpoint: str) -> Iterator[None]:
        """See `Rotation`: the server has no request in progress. Raises `BadInputError` for an unknown server."""
        with self._turn:
            lost = self._mark_of(endpoint) == "down"
            try:
                if not lost and self._replaceable(endpoint):
                    wait_until_gone(self._mark(endpoint, "backup"))
                yield
            except BaseException:
                self._mark(endpoint, "down" if lost else "")
                raise
            self._mark(endpoint, "")

    def note_use(self, endpoint: str, use: Use) -> None:
        """See `Rotation`."""
        self._uses[endpoint] = use

    def leave_out(self, endpoint: str) -> None:
        """See `Rotation`. The last server in rotation stays in."""
        if self._mark_of(endpoint) != "down":
            self._mark(endpoint, "down")

    def _replaceable(self, endpoint: str) -> bool:
        """Whether the other servers in rotation have room for its work; one without a noted use counts as idle."""
        uses = {one: use for one, use in dict(self._uses).items() if one == endpoint or not self._marks[one]}
        room = FULL * sum(use.cores for one, use in uses.items() if one != endpoint)
        return not room or sum(use.share * use.cores for use in uses.values()) <= room

    def _mark_of(self, endpoint: str) -> Mark:
        if endpoint not in self._marks:
            raise BadInputError(f"{endpoint} is not behind this NGINX: name one of {', '.join(self._marks)}")
        return self._marks[endpoint]

    def _mark(self, endpoint: str, mark: Mark) -> list[Process]:
        """Sets the mark in NGINX, unless no server would be in; returns the workers that still use the old one."""
        with self._change:
            marks = {**self._marks, endpoint: mark}
            if marks == self._marks or "" not in marks.values():
                return []
            old_workers = self._apply(marks)
            self._marks = marks
            return old_workers

    def _apply(self, marks: dict[str, Mark]) -> list[Process]:
        write_atomically(self._file, server_lines(marks))
        try:
            return reload(self._pid_file)
        except ServerError:
            # The file states again what NGINX uses, also for the next start.
            write_atomically(self._file, server_lines(self._marks))
            raise
