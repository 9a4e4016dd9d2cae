"""A KServe-V2 server over gRPC: its metadata, and the loading and unloading of models.

The repository extension is optional: a server without it answers UNIMPLEMENTED, one that disables it UNAVAILABLE.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from tritonclient.grpc import InferenceServerClient, InferenceServerClientPlugin
from tritonclient.utils import InferenceServerException

from profiler.common.errors import ServerError, ServerNotFoundError
from profiler.common.target import Tensor
from profiler.runtimes.kserve.channel import Channel
from profiler.runtimes.kserve.message import METHOD, difference
from profiler.triton.access import TOKEN_HEADER

ALIVE_LIMIT_S = 10.0
ANSWER_LIMIT_S = 60.0
CALL_LIMIT_S = 60.0
LOAD_LIMIT_S = 120.0
# Each poll takes time on the core on which the server unloads the model.
POLL_S = 0.02
UNREACHABLE = {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
NOT_LOADED = {"UNIMPLEMENTED", "UNAVAILABLE", "NOT_FOUND"}


class V2Server:
    """The server at `endpoint` (HOST:PORT), called within time limits with the current token; raises `ServerError`."""

    def __init__(
        self, endpoint: str, token: Callable[[], str] | None = None, channel: list[tuple[str, int]] | None = None
    ) -> None:
        self._endpoint, self._client = endpoint, InferenceServerClient(endpoint, channel_args=channel)
        if token is not None:
            self._client.register_plugin(Authorised(token))
        self._channels: WeakSet[Channel] = WeakSet()

    def close(self) -> None:
        """Closes all connections to the server, including those for inference."""
        for channel in self._channels:
            channel.close()
        self._client.close()

    def inference(self) -> Channel:
        """A new channel for inference calls."""
        channel = Channel(self._endpoint, METHOD, ANSWER_LIMIT_S)
        self._channels.add(channel)
        return channel

    def check(self) -> None:
        """Raises `ServerNotFoundError` where no V2 server answers."""
        try:
            self._client.is_server_live(client_timeout=ALIVE_LIMIT_S)
        except InferenceServerException as error:
            raise ServerNotFoundError(
                f"no inference server answers at {self._endpoint} ({details(error)}): "
                "start it, or leave targets.<name>.endpoint out to have one started"
            ) from error

    def name_and_version(self) -> tuple[str, str]:
        """The name and version that the server reports."""
        with failing("the server does not report its version"):
            metadata = self._client.get_server_metadata(client_timeout=CALL_LIMIT_S)
        return str(metadata.name), str(metadata.version)

    def difference(self, name: str, source: Tensor, sink: Tensor) -> str | None:
        """The difference between the tensors of a served model and these, `None` where they agree."""
        with failing(f"the server does not describe the model {name}"):
            metadata = self._client.get_model_metadata(name, client_timeout=CALL_LIMIT_S)
        return difference(metadata, source, sink)

    def ready(self, name: str) -> bool:
        """Whether the model is ready, which is false for an unknown model."""
        try:
            return bool(self._client.is_model_ready(name, client_timeout=CALL_LIMIT_S))
        except InferenceServerException as error:
            if status(error) in UNREACHABLE:
                raise ServerError(f"the server does not report whether {name} is ready: {details(error)}") from error
            return False

    def load(self, name: str, config: str | None = None, files: dict[str, bytes] | None = None) -> bool:
        """Loads a model from the server's repository, or with this configuration and these files, and waits for it.

        Returns False where the server does not load on request, cannot be reached, or has no model of that name.
        """
        with failing(f"the server does not load {name}", NOT_LOADED) as failures:
            self._client.load_model(name, config=config, files=files, client_timeout=LOAD_LIMIT_S)
        return not failures

    def unload(self, name: str) -> None:
        """Unloads the model and waits for the end of it, which may come after the server's own answer."""
        with failing(f"the server does not unload {name}", {"NOT_FOUND"}):
            self._client.unload_model(name, client_timeout=LOAD_LIMIT_S)
        end = time.monotonic() + LOAD_LIMIT_S
        while self.ready(name) or self._unloading(name):
            if time.monotonic() > end:
                raise ServerError(f"the server still unloads {name} after {LOAD_LIMIT_S:.0f} s")
            time.sleep(POLL_S)

    def _unloading(self, name: str) -> bool:
        with failing("the server does not list its models"):
            index = self._client.get_model_repository_index(client_timeout=CALL_LIMIT_S)
        return any(model.state == "UNLOADING" for model in index.models if model.name == name)

    def inference_count(self, name: str) -> int | None:
        """The number of inputs answered by the model so far, `None` where the server does not count."""
        with failing("the server does not report its counts", {"UNIMPLEMENTED"}) as failures:
            statistics = self._client.get_inference_statistics(name, client_timeout=CALL_LIMIT_S)
        return None if failures else sum(int(model.inference_count) for model in statistics.model_stats)


class Authorised(InferenceServerClientPlugin):  # type: ignore[misc]
    """A client plug-in that adds the server's current token to every call."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, request: Any) -> None:
        """Adds the token to one call."""
        request.headers = {**(request.headers or {}), f"triton-grpc-protocol-{TOKEN_HEADER}": self._token()}


@contextmanager
def failing(what: str, expected: Collection[str] = ()) -> Iterator[list[str]]:
    """Turns a failed call into a `ServerError` with the text `what`, gRPC's status and the server's details.

    A failure with an `expected` status ends the block only, and joins the list of the block.
    """
    failures: list[str] = []
    try:
        yield failures
    except InferenceServerException as error:
        failures.append(status(error))
        if status(error) not in expected:
            raise ServerError(f"{what}: {details(error)}") from error


def status(error: InferenceServerException) -> str:
    """The name of gRPC's status, such as `NOT_FOUND`."""
    return str(error.status() or "").removeprefix("StatusCode.")


def details(error: InferenceServerException) -> str:
    """The status and details of an error, on one line."""
    return f"{status(error)}: {' '.join(str(error.message()).split())}"
