"""The flow control of requests to a server (RFC 9113, sections 5.2 and 6.9)."""

from dataclasses import dataclass

from profiler.runtimes.kserve import frames as http2

# Payloads are not copied, because a batch of pictures is large.
Buffer = bytes | memoryview


@dataclass(slots=True)
class Request:
    """The unsent rest of a request, and the size of the server's window for it."""

    stream: int
    unsent: memoryview
    window_bytes: int


class Flow:
    """The server's windows on one connection; the caller must use one thread at a time."""

    def __init__(self) -> None:
        self._window_bytes = self._first_window_bytes = http2.FIRST_WINDOW_BYTES
        self._frame_bytes = http2.LARGEST_FRAME_BYTES
        self._waiting: dict[int, Request] = {}
        self.most_streams = http2.LARGEST_WINDOW_BYTES

    def admit(self, stream: int, body: bytes) -> list[Buffer]:
        """The DATA frames of a new request that fit now, heads and payloads in turns; the rest waits."""
        return self._cut(Request(stream, memoryview(body), self._first_window_bytes))

    def forget(self, stream: int) -> None:
        """Drops the unsent rest of a request."""
        self._waiting.pop(stream, None)

    def update(self, frame: http2.Frame) -> list[Buffer]:
        """Takes a SETTINGS or WINDOW_UPDATE frame, and returns the DATA frames that fit now."""
        if frame.kind == http2.SETTINGS:
            self._adopt(http2.settings(frame))
        elif frame.stream == 0:
            self._window_bytes += int.from_bytes(frame.payload)
        elif frame.stream in self._waiting:
            self._waiting[frame.stream].window_bytes += int.from_bytes(frame.payload)
        if not self._waiting:
            return []
        waiting, self._waiting = self._waiting, {}
        return [buffer for request in waiting.values() for buffer in self._cut(request)]

    def _adopt(self, settings: dict[int, int]) -> None:
        self._frame_bytes = settings.get(http2.MAX_FRAME_SIZE, self._frame_bytes)
        self.most_streams = settings.get(http2.MAX_CONCURRENT_STREAMS, self.most_streams)
        before = self._first_window_bytes
        self._first_window_bytes = settings.get(http2.INITIAL_WINDOW_SIZE, before)
        for request in self._waiting.values():
            request.window_bytes += self._first_window_bytes - before

    def _cut(self, request: Request) -> list[Buffer]:
        buffers: list[Buffer] = []
        while request.unsent and (size := min(self._window_bytes, request.window_bytes, self._frame_bytes)) > 0:
            part, request.unsent = request.unsent[:size], request.unsent[size:]
            self._window_bytes -= len(part)
            request.window_bytes -= len(part)
            flags = 0 if request.unsent else http2.END_STREAM
            buffers += [http2.head(len(part), http2.DATA, flags, request.stream), part]
        if request.unsent:
            self._waiting[request.stream] = request
        return buffers
