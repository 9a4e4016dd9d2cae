"""The kinds of HTTP/2 frames that a gRPC unary call needs (RFC 9113)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from profiler.common.errors import ServerError

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5

FIRST_WINDOW_BYTES = 65535
LARGEST_WINDOW_BYTES = 2**31 - 1
LARGEST_FRAME_BYTES = 16384
HEAD = struct.Struct(">BHBBI")
SETTING = struct.Struct(">HI")


class Frame(NamedTuple):
    """A received frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def head(size: int, kind: int, flags: int, stream: int) -> bytes:
    """The frame header for `size` bytes of payload."""
    return HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream)


def pack(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """A whole frame."""
    return head(len(payload), kind, flags, stream) + payload


def credit(size: int) -> bytes:
    """The frame that lets the server send `size` bytes more on the connection."""
    return pack(WINDOW_UPDATE, payload=size.to_bytes(4, "big"))


def preface() -> bytes:
    """The first bytes of a client: no header tables, no pushes, and the largest windows."""
    settings = {HEADER_TABLE_SIZE: 0, ENABLE_PUSH: 0, INITIAL_WINDOW_SIZE: LARGEST_WINDOW_BYTES}
    payload = b"".join(SETTING.pack(name, value) for name, value in settings.items())
    greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    return greeting + pack(SETTINGS, payload=payload) + credit(LARGEST_WINDOW_BYTES - FIRST_WINDOW_BYTES)


def settings(frame: Frame) -> dict[int, int]:
    """The values of a SETTINGS frame."""
    whole = len(frame.payload) - len(frame.payload) % SETTING.size
    return dict(SETTING.iter_unpack(frame.payload[:whole]))


def content(frame: Frame) -> bytes:
    """The payload of a DATA or HEADERS frame without padding and priority."""
    payload = frame.payload
    if frame.flags & PADDED:
        payload = payload[1 : len(payload) - int.from_bytes(payload[:1])]
    if frame.kind == HEADERS and frame.flags & PRIORITY:
        payload = payload[5:]
    return payload


class FrameBuffer:
    """The frames of the received bytes; `began` says whether the first one, SETTINGS, is complete."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.began = False

    def add(self, received: bytes) -> Iterator[Frame]:
        """The newly complete frames; raises `ServerError` for bytes that cannot be HTTP/2."""
        self._bytes += received
        start, end = 0, len(self._bytes)
        while end - start >= HEAD.size:
            high, low, kind, flags, stream = HEAD.unpack_from(self._bytes, start)
            size = (high << 16) + low
            if size > LARGEST_FRAME_BYTES or (kind != SETTINGS and not self.began):
                raise ServerError("the server does not speak gRPC there: name its gRPC port")
            after = start + HEAD.size + size
            if after > end:
                break
            self.began = True
            yield Frame(kind, flags, stream & LARGEST_WINDOW_BYTES, bytes(self._bytes[start + HEAD.size : after]))
            start = after
        del self._bytes[:start]
