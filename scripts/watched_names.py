"""A name server for one command, which knows no name and keeps the queries."""

import socket
from contextlib import suppress

NAME_SERVER = ("127.0.0.1", 53)
CANNOT_FIND = 0x8183


def name_server() -> socket.socket | None:
    """The socket of the name server."""
    try:
        found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        found.bind(NAME_SERVER)
        found.setblocking(False)
    except OSError:
        return None
    return found


def queried(names: socket.socket | None) -> list[str]:
    """The queried names since the last call; each query gets the answer "no such name"."""
    found: list[str] = []
    with suppress(BlockingIOError):
        while names is not None:
            question, caller = names.recvfrom(4096)
            names.sendto(question[:2] + CANNOT_FIND.to_bytes(2, "big") + question[4:], caller)
            found.append(asked_name(question[12:]))
    return found


def asked_name(question: bytes) -> str:
    """The dotted name at the beginning of a query."""
    parts = []
    while question and question[0]:
        parts.append(question[1 : 1 + question[0]].decode(errors="replace"))
        question = question[1 + question[0] :]
    return ".".join(parts)
