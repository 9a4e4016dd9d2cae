"""A real Triton server under explicit model control, whose tasks' networks are replaced while they answer."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from tritonclient.grpc import service_pb2

from orchestrators.live.network import DIGEST, VARIANT, Network
from profiler.common.errors import DnnPortingError, ServerError
from profiler.runtimes.kserve.server import V2Server, failing
from profiler.triton.access import TOKEN_FILE
from profiler.triton.installation import find_triton
from profiler.triton.server import RECONNECT, free_port, triton_server

# Whoever asks does so every second.
LOOK_LIMIT_S = 5.0
# As soon as a server that died is back it is found.
CHANNEL = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), *RECONNECT]


class LiveServer(V2Server):
    """A `V2Server` that may take large networks, and whose `endpoint` is known.

    `models` tells the folder that a server of our own loads from. Triton keeps what comes with a call in folders of its
    own, which it leaves when it is killed.
    """

    def __init__(
        self, endpoint: str, token: Callable[[], str] | None = None, models: Callable[[], Path] | None = None
    ) -> None:
        super().__init__(endpoint, token, CHANNEL)
        self.endpoint, self._models = endpoint, models

    def serving(self) -> dict[str, str]:
        """The variant that answers to each name; what somebody else loaded is a variant of the empty name."""
        return {name: self._told(name, VARIANT) for name in self.requests() if self.ready(name)}

    def digest(self, name: str) -> str:
        """The sha256 of the ONNX file that answers to a name, as its config has it."""
        return self._told(name, DIGEST)

    def requests(self) -> dict[str, int]:
        """Requests that the present network of each name has answered or failed so far, those to warm it up too.

        Those that wait are not counted: the server does not tell.
        """
        found: dict[str, int] = {}
        for one in self._statistics():
            counts = one.inference_stats
            found[one.name] = found.get(one.name, 0) + counts.success.count + counts.fail.count
        return found

    def switch(self, task: str, network: Network) -> None:
        """Returns when the network answers to the task's name; until then the old one does.

        Where this raises, either may: a load that took too long to be waited for may end well yet.
        """
        if not self._takes(task, network):
            raise ServerError(
                f"{self.endpoint} does not load {network.variant}: it cannot be reached, or takes no load calls "
                f"(start it with --model-control-mode=explicit, and name the file with its token in {TOKEN_FILE})"
            )
        if (found := self._told(task, VARIANT)) != network.variant:
            raise ServerError(
                f"{self.endpoint} says that it loaded {network.variant} and answers with {found or 'another'}"
            )

    def _takes(self, task: str, network: Network) -> bool:
        if self._models is None:
            return self.load(task, network.config, network.files)
        network.write(self._models() / task)
        return self.load(task)

    def _statistics(self) -> list[service_pb2.ModelStatistics]:
        # Of all models at once; the repository's index does not list what was loaded from a call's own files.
        with failing(f"{self.endpoint} does not say what it counted"):
            return list(self._client.get_inference_statistics(client_timeout=LOOK_LIMIT_S).model_stats)

    def _told(self, name: str, parameter: str) -> str:
        with failing(f"{self.endpoint} does not tell the config of {name}"):
            config = self._client.get_model_config(name, client_timeout=LOOK_LIMIT_S).config
        return str(config.parameters[parameter].string_value)


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
