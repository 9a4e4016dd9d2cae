"""A Triton of the orchestrator's own, which is started again where it dies."""

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from profiler.common.errors import DnnPortingError
from profiler.triton.installation import find_triton
from profiler.triton.server import free_port, triton_server


class OwnServer:
    """The server on these cores, always at the same `endpoint`; it is gone when the block ends, and dies with us.

    The thread that calls `tick` must live as long.
    """

    def __init__(self, cores: list[int], grpc_port: int | None = None) -> None:
        self._cores, self._port = cores, free_port() if grpc_port is None else grpc_port
        self._stack = ExitStack()
        self._start()

    def tick(self) -> None:
        """Starts it anew where it has died; where that fails the next call tries again."""
        if self._running.process.poll() is not None:
            self._stack.close()
            with suppress(DnnPortingError):
                self._start()

    def token(self) -> str:
        """Of the present server."""
        return self._running.token

    def models(self) -> Path:
        """The folder that the present server loads from."""
        return self._running.models

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        running = triton_server(find_triton(), grpc_port=self._port, cores=self._cores)
        self._running = self._stack.enter_context(running)
        self.endpoint = self._running.endpoint
