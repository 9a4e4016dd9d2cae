"""A Triton server under explicit model control, whose networks are replaced while they answer."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from orchestrators.live.catalogue import DIGEST, VARIANT, Network
from profiler.common.errors import DnnPortingError, ServerError
from profiler.runtimes.kserve.server import V2Server, failing
from profiler.triton.access import TOKEN_FILE
from profiler.triton.installation import find_triton
from profiler.triton.server import RECONNECT, free_port, triton_server

# A call is repeated every second.
CALL_LIMIT_S = 5.0
# The channel reconnects as soon as a server that died is back.
CHANNEL = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), *RECONNECT]


class LiveServer(V2Server):
    """A `V2Server` for networks of any size.

    `models` is the folder from which an `OwnServer` loads. Without a folder the files are part of the load call;
    Triton keeps them in temporary folders, which remain when it is killed.
    """

    def __init__(
        self, endpoint: str, token: Callable[[], str] | None = None, models: Callable[[], Path] | None = None
    ) -> None:
        super().__init__(endpoint, token, CHANNEL)
        self.endpoint, self._models = endpoint, models

    def serving(self) -> dict[str, str]:
        """The variant that answers for each name; empty for a network that this project did not load."""
        return {name: self._config_parameter(name, VARIANT) for name in self.requests() if self.ready(name)}

    def digest(self, name: str) -> str:
        """The sha256 of the ONNX file that answers for a name, from its config."""
        return self._config_parameter(name, DIGEST)

    def requests(self) -> dict[str, int]:
        """The number of requests that the present network of each name answered or failed, warm-up included.

        The server's statistics do not count waiting requests.
        """
        found: dict[str, int] = {}
        # One call for all models; the repository index does not list models that a load call brought.
        with failing(f"{self.endpoint} returns no statistics"):
            statistics = self._client.get_inference_statistics(client_timeout=CALL_LIMIT_S).model_stats
        for one in statistics:
            counts = one.inference_stats
            found[one.name] = found.get(one.name, 0) + counts.success.count + counts.fail.count
        return found

    def switch(self, task: str, network: Network) -> None:
        """Returns when the network answers for the task's name; until then the old one does.

        Raises `ServerError` for a failed load, and then either may answer: a load that exceeds the time limit may
        still succeed.
        """
        if self._models is None:
            loaded = self.load(task, network.config, network.files)
        else:
            network.write(self._models() / task)
            loaded = self.load(task)
        if not loaded:
            raise ServerError(
                f"{self.endpoint} does not load {network.variant}: it cannot be reached, or refuses load calls "
                f"(start it with --model-control-mode=explicit, and name the file with its token in {TOKEN_FILE})"
            )
        if (found := self._config_parameter(task, VARIANT)) != network.variant:
            raise ServerError(
                f"{self.endpoint} reports a load of {network.variant} and answers with {found or 'another'}"
            )

    def _config_parameter(self, name: str, parameter: str) -> str:
        with failing(f"{self.endpoint} returns no config of {name}"):
            config = self._client.get_model_config(name, client_timeout=CALL_LIMIT_S).config
        return str(config.parameters[parameter].string_value)


class OwnServer:
    """The orchestrator's own server on these cores, always at the same `endpoint`; `tick` restarts it when it dies.

    The server ends with the block, with this process, and with the thread that calls `tick`.
    """

    def __init__(self, cores: list[int], grpc_port: int | None = None) -> None:
        self._cores, self._port = cores, free_port() if grpc_port is None else grpc_port
        self._stack = ExitStack()
        self._start()

    def tick(self) -> None:
        """Starts the server again if it died; if that fails, the next call tries again."""
        if self._running.process.poll() is not None:
            self._stack.close()
            with suppress(DnnPortingError):
                self._start()

    def token(self) -> str:
        """The token of the present server."""
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
