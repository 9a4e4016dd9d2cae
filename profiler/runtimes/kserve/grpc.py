"""A gRPC unary call over HTTP/2: its headers, the message's prefix, and its outcome.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from functools import lru_cache
from urllib.parse import unquote

from grpc import StatusCode
from hpack import Decoder, Encoder, HPACKError, NeverIndexedHeaderTuple

from profiler.common.errors import ServerError

Headers = dict[str, str]

PREFIX_BYTES = 5
REMEMBERED = 64
CODES = {str(code.value[0]): code.name for code in StatusCode}


def request_headers(authority: str, path: str, limit_s: float) -> bytes:
    """The header block of a call, which can be sent repeatedly, because it adds nothing to the server's table."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": authority,
        "te": "trailers",
        "content-type": "application/grpc",
        "grpc-timeout": f"{limit_s * 1e3:.0f}m",
    }
    tuples = [NeverIndexedHeaderTuple(name, value) for name, value in headers.items()]
    return bytes(Encoder().encode(tuples))


class HeaderReader:
    """A decoder of header blocks; without a header table, equal blocks are equal headers and are decoded once."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        # The size is set here too, because not every server announces that it uses no table.
        self._decoder.header_table_size = self._decoder.max_allowed_table_size = 0
        self.read = lru_cache(REMEMBERED)(self._decoded)

    def _decoded(self, block: bytes) -> Headers:
        """The headers of a block; raises `ServerError` for a block that cannot be decoded."""
        try:
            return {str(name): str(value) for name, value in self._decoder.decode(block)}
        except HPACKError as error:
            raise ServerError(f"the server's headers cannot be read ({error})") from error


def framed(message: bytes) -> bytes:
    """The message with its prefix: a zero byte for no compression, and its length."""
    return b"\x00" + len(message).to_bytes(4, "big") + message


def outcome(headers: Headers, body: bytes | bytearray) -> bytes | ServerError:
    """The message of the answer, or an error with gRPC's status and the server's details."""
    if why := failure(headers):
        return ServerError(f"inference failed: {why}")
    if len(body) < PREFIX_BYTES or body[0] or len(body) != PREFIX_BYTES + int.from_bytes(body[1:PREFIX_BYTES], "big"):
        return ServerError(f"inference failed: the {len(body)} received bytes are not one plain gRPC message")
    return bytes(body[PREFIX_BYTES:])


def failure(headers: Headers) -> str | None:
    """The status and details of a failed call, `None` for a successful one."""
    if headers.get(":status") != "200":
        return f"HTTP status {headers.get(':status', 'missing')}"
    status = headers.get("grpc-status", "missing")
    if status == "0":
        return None
    details = " ".join(unquote(headers.get("grpc-message", "")).split())
    return f"{CODES.get(status, f'status {status}')}: {details or 'the server gives no details'}"
