"""A KServe-V2 server over gRPC: what it says of itself and of its models, and how they get in and out of it.

The repository extension is optional: who lacks it answers UNIMPLEMENTED, and who has it switched off UNAVAILABLE.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from tritonclient.grpc import InferenceServerClient, InferenceServerClientPlugin
from tritonclient.utils import InferenceServerException

from profiler.common.errors import ServerError, ServerNotFoundError
from profiler.runtimes.kserve.channel import Channel
from profiler.runtimes.kserve.message import METHOD, ServedModel, described
from profiler.triton.access import TOKEN_HEADER

ALIVE_LIMIT_S = 10.0
ANSWER_LIMIT_S = 60.0
CALL_LIMIT_S = 60.0
LOAD_LIMIT_S = 120.0
# Each look costs the server time on the core on which it takes the model down.
POLL_S = 0.02
UNREACHABLE = {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
NOT_LOADED = {"UNIMPLEMENTED", "UNAVAILABLE", "NOT_FOUND"}


class V2Server:
    """The server at `endpoint` (HOST:PORT); every call has a limit and raises `ServerError` where it fails.

    `token` tells what opens the interfaces that a server of ours has closed.
    """

    def __init__(
        self, endpoint: str, token: Callable[[], str] | None = None, channel: list[tuple[str, int]] | None = None
    ) -> None:
        self._endpoint = endpoint
        self._client = InferenceServerClient(endpoint, channel_args=channel)
        if token is not None:
            self._client.register_plugin(Authorised(token))
        self._channels: WeakSet[Channel] = WeakSet()

    def close(self) -> None:
        """Closes every connection to the server, those for inference too."""
        for channel in self._channels:
            channel.close()
        self._client.close()

    def inference(self) -> Channel:
        """New connections for inference calls."""
        channel = Channel(self._endpoint, METHOD, ANSWER_LIMIT_S)
        self._channels.add(channel)
        return channel

    def check(self) -> None:
        """Raises `ServerNotFoundError` where no V2 server answers."""
        try:
            self._client.is_server_live(client_timeout=ALIVE_LIMIT_S)
        except InferenceServerException as error:
            raise ServerNotFoundError(
                f"no inference server answers at {self._endpoint} ({told(error)}): "
                "start it, or leave target.<name>.endpoint out to have one started"
            ) from error

    def name_and_version(self) -> tuple[str, str]:
        with failing("the server does not tell its version"):
            metadata = self._client.get_server_metadata(client_timeout=CALL_LIMIT_S)
        return str(metadata.name), str(metadata.version)

    def model(self, name: str) -> ServedModel:
        """What the server says of a model that it serves."""
        with failing(f"the server does not describe the model {name}"):
            metadata = self._client.get_model_metadata(name, client_timeout=CALL_LIMIT_S)
        return described(metadata)

    def ready(self, name: str) -> bool:
        """Whether the model answers; a model that the server does not know is not ready."""
        try:
            return bool(self._client.is_model_ready(name, client_timeout=CALL_LIMIT_S))
        except InferenceServerException as error:
            if status(error) in UNREACHABLE:
                raise ServerError(f"the server does not say whether {name} is ready: {told(error)}") from error
            return False

    def load(self, name: str, config: str | None = None, files: dict[str, bytes] | None = None) -> bool:
        """Returns when the model is loaded from the server's repository, or with these in place of it.

        False where the server loads nothing on demand, cannot be reached, or has nothing of that name.
        """
        try:
            self._client.load_model(name, config=config, files=files, client_timeout=LOAD_LIMIT_S)
        except InferenceServerException as error:
            if status(error) in NOT_LOADED:
                return False
            raise ServerError(f"the server does not load {name}: {told(error)}") from error
        return True

    def unload(self, name: str) -> None:
        """Returns when the model is gone, also where the server says so before it is."""
        try:
            self._client.unload_model(name, client_timeout=LOAD_LIMIT_S)
        except InferenceServerException as error:
            if status(error) != "NOT_FOUND":
                raise ServerError(f"the server does not unload {name}: {told(error)}") from error
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
        """Inputs answered by the model so far; `None` where the server counts nothing."""
        try:
            statistics = self._client.get_inference_statistics(name, client_timeout=CALL_LIMIT_S)
        except InferenceServerException as error:
            if status(error) == "UNIMPLEMENTED":
                return None
            raise ServerError(f"the server does not say what it counted: {told(error)}") from error
        return sum(int(model.inference_count) for model in statistics.model_stats)


class Authorised(InferenceServerClientPlugin):  # type: ignore[misc]
    """Adds the token that is the server's at this moment to every call."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, request: Any) -> None:
        request.headers = {**(request.headers or {}), f"triton-grpc-protocol-{TOKEN_HEADER}": self._token()}


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Raises `ServerError` that says so, with gRPC's status and the server's words, where a call fails."""
    try:
        yield
    except InferenceServerException as error:
        raise ServerError(f"{what}: {told(error)}") from error


def status(error: InferenceServerException) -> str:
    """gRPC's name of it, as in `NOT_FOUND`."""
    return str(error.status() or "").removeprefix("StatusCode.")


def told(error: InferenceServerException) -> str:
    """Status and details on one line."""
    return f"{status(error)}: {' '.join(str(error.message()).split())}"
