"""A model on a KServe-V2 server, called over gRPC."""

import numpy as np

from profiler.common.errors import ServerError
from profiler.runtimes.kserve.channel import Channel
from profiler.runtimes.kserve.grpc import framed
from profiler.runtimes.kserve.message import Outputs, request
from profiler.runtimes.kserve.server import V2Server
from profiler.runtimes.served import OnAnswer


class V2Call:
    """One fixed request in serialized form; any number of threads may call it at once."""

    def __init__(self, channel: Channel, body: bytes, outputs: Outputs) -> None:
        self._channel, self._body, self._outputs = channel, body, outputs

    def __call__(self) -> np.ndarray:
        """The answer (N, …), read-only, the same array for identical answers; raises `ServerError` without one."""
        return self._outputs.read(self._channel.call(self._body))

    def send(self, on_answer: OnAnswer) -> None:
        """Returns at once; another thread calls `on_answer` with the answer or the error.

        Raises `ServerError` where the server cannot be reached.
        """
        self._channel.send(self._body, lambda message: on_answer(self._read(message)))

    def _read(self, message: bytes | ServerError) -> np.ndarray | ServerError:
        if isinstance(message, ServerError):
            return message
        try:
            return self._outputs.read(message)
        except ServerError as error:
            return error


class V2Model:
    """The model `name` of a server, read at its output `output_name`; `V2Server.close` ends its calls."""

    def __init__(self, server: V2Server, runtime: str, name: str, input_name: str, output_name: str) -> None:
        self.runtime = runtime
        self._server, self._name, self._input_name = server, name, input_name
        self._channel, self._outputs = server.inference(), Outputs(output_name)

    def prepare(self, images: np.ndarray) -> V2Call:
        """A call with these images (N, …)."""
        return V2Call(self._channel, framed(request(self._name, self._input_name, images)), self._outputs)

    def answers_counted(self) -> int | None:
        """The server's count of answered inputs, `None` where it does not count."""
        return self._server.inference_count(self._name)
