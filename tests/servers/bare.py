"""A V2 server with the methods that the protocol demands and no others; the test says how it answers."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnxruntime as ort
from tritonclient.grpc import service_pb2 as pb

# A request's message to the answer's; it may abort the call through the context.
Infer = Callable[[bytes, grpc.ServicerContext], bytes]


@contextmanager
def bare_server(
    infer: Infer, model: pb.ModelMetadataResponse | None = None, options: Sequence[tuple[str, Any]] = ()
) -> Iterator[str]:
    """HOST:PORT; it serves the model that it describes, and is gone when the block ends."""
    server = grpc.server(ThreadPoolExecutor(4), options=options)
    server.add_generic_rpc_handlers([methods(infer, model or pb.ModelMetadataResponse())])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait(10)


def methods(infer: Infer, model: pb.ModelMetadataResponse) -> grpc.GenericRpcHandler:
    answers: dict[str, Callable[[bytes, grpc.ServicerContext], bytes]] = {
        "ServerLive": lambda *_: pb.ServerLiveResponse(live=True).SerializeToString(),
        "ServerReady": lambda *_: pb.ServerReadyResponse(ready=True).SerializeToString(),
        "ModelReady": lambda request, _: ready(request, model),
        "ModelMetadata": lambda *_: model.SerializeToString(),
        "ModelInfer": infer,
    }
    handlers = {name: grpc.unary_unary_rpc_method_handler(answer) for name, answer in answers.items()}
    return grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)


def serialised(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data


def ready(request: bytes, model: pb.ModelMetadataResponse) -> bytes:
    asked = pb.ModelReadyRequest.FromString(request).name
    return serialised(pb.ModelReadyResponse(ready=asked == model.name))


def described(
    name: str = "m", source: str = "input", datatype: str = "FP32", size: int = 8
) -> pb.ModelMetadataResponse:
    """What a server says of the test network, or of another one."""
    model = pb.ModelMetadataResponse(name=name, versions=["1"])
    model.inputs.add(name=source, datatype=datatype, shape=[-1, 1, size, size])
    model.outputs.add(name="logits", datatype="FP32", shape=[-1, 3])
    return model


class Network:
    """Answers with a file's own values, typed rather than raw, wrong from the call number `wrong_from` on."""

    def __init__(self, path: Path, wrong_from: int = 10**9) -> None:
        self._session, self._wrong_from, self.calls = ort.InferenceSession(path), wrong_from, 0

    def __call__(self, message: bytes, _: grpc.ServicerContext) -> bytes:
        request = pb.ModelInferRequest.FromString(message)
        images = np.frombuffer(request.raw_input_contents[0], "<f4").reshape(request.inputs[0].shape)
        (values,) = self._session.run(None, {"input": images})
        self.calls += 1
        values = values + (self.calls >= self._wrong_from)
        answer = pb.ModelInferResponse(model_name="m", id=str(self.calls // 2))
        tensor = answer.outputs.add(name="logits", datatype="FP32", shape=values.shape)
        tensor.contents.fp32_contents.extend(values.ravel().tolist())
        return serialised(answer)
