"""A model behind a KServe-V2 gRPC endpoint with model control: loading it, calling it, counting its answers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from profiler.errors import ServerError, ServerNotFoundError
from profiler.runtimes.served import Call
from profiler.runtimes.session import input_tensor, open_session, output_tensor
from profiler.target import Target
from profiler.triton.config import ServingSettings, model_config, to_json

LOAD_LIMIT_S = 120.0
ANSWER_LIMIT_S = 60.0
MAX_BATCH = 64


class TritonModel:
    """A loaded model of the server at `endpoint`."""

    runtime = "triton"

    def __init__(self, client: InferenceServerClient, name: str, input_name: str, output_name: str) -> None:
        self._client, self._name = client, name
        self._input_name, self._output_name = input_name, output_name

    def prepare(self, images: np.ndarray) -> Call:
        tensor = InferInput(self._input_name, list(images.shape), "FP32")
        tensor.set_data_from_numpy(images)

        def call() -> np.ndarray:
            try:
                answer = self._client.infer(self._name, [tensor], client_timeout=ANSWER_LIMIT_S)
            except InferenceServerException as error:
                raise ServerError(f"inference failed: {error.message()}") from error
            return np.asarray(answer.as_numpy(self._output_name))

        return call

    def answers_counted(self) -> int | None:
        try:
            statistics = self._client.get_inference_statistics(self._name, client_timeout=ANSWER_LIMIT_S)
        except InferenceServerException as error:
            raise ServerError(f"the server does not say what it counted: {error.message()}") from error
        return sum(int(model.inference_count) for model in statistics.model_stats)


@contextmanager
def connected(endpoint: str) -> Iterator[InferenceServerClient]:
    """A client of a server that is ready; raises `ServerNotFoundError` where none answers."""
    with InferenceServerClient(endpoint) as client:
        try:
            ready = client.is_server_ready(client_timeout=10.0)
        except InferenceServerException as error:
            raise ServerNotFoundError(
                f"no inference server answers at {endpoint} ({error.message()}): "
                "start it, or leave target.<name>.endpoint out to have one started"
            ) from error
        if not ready:
            raise ServerError(f"the server at {endpoint} is live but not ready")
        yield client


def server_version(client: InferenceServerClient) -> str:
    """What the server says of itself; raises `ServerError` where it says nothing."""
    try:
        return str(client.get_server_metadata(client_timeout=ANSWER_LIMIT_S).version)
    except InferenceServerException as error:
        raise ServerError(f"the server does not tell its version: {error.message()}") from error


@contextmanager
def loaded(client: InferenceServerClient, path: Path, target: Target) -> Iterator[tuple[TritonModel, float]]:
    """The model, loaded afresh and unloaded at the end, and the seconds from the load call until ready."""
    session = open_session(path, threads=1)
    source, sink = input_tensor(session), output_tensor(session)
    del session
    serving = ServingSettings(target.threads, target.instances, MAX_BATCH)
    name = f"dnn-porting-{path.parent.name}"
    # The server keeps the old network where the configuration is equal, so each load differs.
    config = to_json(model_config(source, sink, serving, {"load": str(time.monotonic_ns())}))
    try:
        seconds = timed_load(client, name, config, path)
        yield TritonModel(client, name, source.name, sink.name), seconds
    finally:
        with suppress(InferenceServerException):
            client.unload_model(name, client_timeout=LOAD_LIMIT_S)


def timed_load(client: InferenceServerClient, name: str, config: str, path: Path) -> float:
    """Seconds from the load call until the model is ready; raises `ServerError` where the server refuses it."""
    content = path.read_bytes()
    start = time.perf_counter()
    try:
        client.load_model(name, config=config, files={"file:1/model.onnx": content}, client_timeout=LOAD_LIMIT_S)
        ready = client.is_model_ready(name, client_timeout=ANSWER_LIMIT_S)
    except InferenceServerException as error:
        raise ServerError(f"the server does not load {path}: {error.message()}") from error
    if not ready:
        raise ServerError(f"the server loaded {path} and does not call it ready")
    return time.perf_counter() - start
