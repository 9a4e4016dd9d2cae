"""A V2 server that answers as its file does, until it is told what to do to its answers instead."""

import threading
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import onnxruntime as ort
from servers.bare import methods
from tritonclient.grpc import service_pb2 as pb

MODEL = "m"
# What becomes of honest values, float32 (N, classes); it may abort the call through the context.
Lie = Callable[["LyingServer", np.ndarray, grpc.ServicerContext], np.ndarray | bytes]


def honest(_: "LyingServer", values: np.ndarray, __: grpc.ServicerContext) -> np.ndarray:
    return values


class LyingServer:
    """Serves one file as `MODEL`; a `lie` befalls requests of the batches `lies_to` after `spared` honest answers.

    `requests` came in by batch; the server says of itself that it made `counted` inferences.
    """

    def __init__(self, path: Path) -> None:
        self.serve(path)
        self.lie: Lie = honest
        self.lies_to: Collection[int] = ()
        self.spared = 0
        self.requests: Counter[int] = Counter()
        self.counted, self._port = 0, 0
        self.start()

    def serve(self, path: Path) -> None:
        """Another file in the place of the present one."""
        self._session = ort.InferenceSession(path)

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listens, after a stop where it did before."""
        self.stopped = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(4))
        described = pb.ModelMetadataResponse(name=MODEL)
        told = {"ServerMetadata": self._metadata, "ModelStatistics": self._statistics}
        handlers = {name: grpc.unary_unary_rpc_method_handler(answer) for name, answer in told.items()}
        own = grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)
        self._server.add_generic_rpc_handlers([own, methods(self._infer, described)])
        self._port = self._server.add_insecure_port(self.endpoint)
        self._server.start()

    def stop(self) -> None:
        """Closes every connection at once; returns without waiting for calls under way, which may be among them."""
        self.stopped.set()
        self._server.stop(grace=None)

    def _metadata(self, _: bytes, __: grpc.ServicerContext) -> bytes:
        return bytes(pb.ServerMetadataResponse(name="liar", version="1").SerializeToString())

    def _statistics(self, _: bytes, __: grpc.ServicerContext) -> bytes:
        one = pb.ModelStatistics(name=MODEL, inference_count=max(0, self.counted))
        return bytes(pb.ModelStatisticsResponse(model_stats=[one]).SerializeToString())

    def _infer(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        request = pb.ModelInferRequest.FromString(message)
        shape = tuple(request.inputs[0].shape)
        images = np.frombuffer(request.raw_input_contents[0], "<f4").reshape(shape)
        (values,) = self._session.run(None, {"input": images})
        self.requests[shape[0]] += 1
        self.counted += shape[0]
        if shape[0] in self.lies_to and self.requests[shape[0]] > self.spared:
            values = self.lie(self, values, context)
        return values if isinstance(values, bytes) else message_of(values)


def message_of(values: np.ndarray) -> bytes:
    """The answer with these values."""
    answer = pb.ModelInferResponse(model_name=MODEL)
    answer.outputs.add(name="logits", datatype="FP32", shape=values.shape)
    answer.raw_output_contents.append(np.ascontiguousarray(values, "<f4").tobytes())
    return bytes(answer.SerializeToString())
