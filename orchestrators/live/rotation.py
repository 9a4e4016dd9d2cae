"""Who gets requests: a server is out of rotation while a network is replaced on it, one server at a time.

Thesis, section 5.5: what is left of its late answers comes from servers that switch at once, and from requests that
reach a server while it switches. Where the others have no room for its requests it stays in: its old network answers
meanwhile, and to crowd all servers would delay far more requests.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, Protocol

from psutil import Process

from orchestrators.live.nginx import server_lines
from orchestrators.live.nginx_master import Master, wait_until_gone
from orchestrators.live.usage import Use
from profiler.common.errors import BadInputError, ServerError
from profiler.common.files import write_atomically

# As NGINX calls them: it gets requests; only those that no other server takes; none.
Mark = Literal["", "backup", "down"]
# How much of their cores the others may need meanwhile; above, requests begin to wait for each other.
FULL = 0.9


class Rotation(Protocol):
    """Which servers get requests; every server's agent holds the same one."""

    def without(self, endpoint: str) -> AbstractContextManager[None]:
        """While the block runs the server gets no new request and has none under way; afterwards it gets them again.

        Only one block runs at a time, whatever the server. It stays in where the others have no room for its requests.
        """

    def saw(self, endpoint: str, use: Use) -> None:
        """What the server used of its cores last, which tells whether the others can do without it."""

    def leave_out(self, endpoint: str) -> None:
        """A server that cannot answer gets no request until a block of `without` for it has ended without an error.

        It may be said again and again.
        """


class Alone:
    """Servers that clients call themselves: there is nothing to take out, and still no two switches coincide."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    @contextmanager
    def without(self, endpoint: str) -> Iterator[None]:  # noqa: ARG002
        """See `Rotation`; the server stays in."""
        with self._turn:
            yield

    def saw(self, endpoint: str, use: Use) -> None:
        """There are no others."""

    def leave_out(self, endpoint: str) -> None:
        """Nobody could take its place."""


class Nginx:
    """The servers in the `upstream` of a running NGINX, which includes `servers_file`; its process id in `pid_file`.

    At the start all are in, whatever an orchestrator before this one has left out. A server that switches becomes
    NGINX's `backup`: it gets a request only where every other one fails, as its old network still answers. The last
    one that is in stays in, and so does one that the others have no room for. Raises `ServerError` where NGINX does
    not run or does not take the file.
    """

    def __init__(self, servers_file: Path, pid_file: Path, endpoints: Sequence[str]) -> None:
        self._file, self._master = servers_file, Master(pid_file)
        self._turn, self._change = threading.Lock(), threading.Lock()
        self._marks: dict[str, Mark] = dict.fromkeys(endpoints, "")
        self._uses: dict[str, Use] = {}
        self._apply(self._marks)

    @contextmanager
    def without(self, endpoint: str) -> Iterator[None]:
        """See `Rotation`. Raises `BadInputError` for a server that is none of these."""
        with self._turn:
            lost = self._mark_of(endpoint) == "down"
            try:
                if not lost and self._spared(endpoint):
                    wait_until_gone(self._mark(endpoint, "backup"))
                yield
            except BaseException:
                self._mark(endpoint, "down" if lost else "")
                raise
            self._mark(endpoint, "")

    def saw(self, endpoint: str, use: Use) -> None:
        """See `Rotation`."""
        self._uses[endpoint] = use

    def leave_out(self, endpoint: str) -> None:
        """See `Rotation`. While it is the last one that is in, it stays in."""
        if self._mark_of(endpoint) != "down":
            self._mark(endpoint, "down")

    def _spared(self, endpoint: str) -> bool:
        """Whether the others that are in have room for what it does; who was not seen yet is idle."""
        uses = {one: use for one, use in dict(self._uses).items() if one == endpoint or not self._marks[one]}
        room = FULL * sum(use.cores for one, use in uses.items() if one != endpoint)
        return not room or sum(use.share * use.cores for use in uses.values()) <= room

    def _mark_of(self, endpoint: str) -> Mark:
        if endpoint not in self._marks:
            raise BadInputError(f"{endpoint} is not behind this NGINX: name one of {', '.join(self._marks)}")
        return self._marks[endpoint]

    def _mark(self, endpoint: str, mark: Mark) -> list[Process]:
        """Has NGINX take the mark, unless nobody would be in; the workers that still know the old one."""
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
            return self._master.reload()
        except ServerError:
            # Or the next NGINX would start with what none has taken.
            write_atomically(self._file, server_lines(self._marks))
            raise
