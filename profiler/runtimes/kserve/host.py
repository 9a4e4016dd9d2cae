"""A running external server: Triton loads files on request, any other server has its deployed model."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from profiler.common.batching import MAX_BATCH
from profiler.common.errors import BadInputError, ModelError, ServerError, ServerNotFoundError
from profiler.common.target import Resources, Target, Tensor
from profiler.runtimes.kserve.model import V2Model
from profiler.runtimes.kserve.server import V2Server
from profiler.runtimes.session import tensors
from profiler.triton.access import TOKEN_FILE, environment_token
from profiler.triton.config import ServingSettings, model_config, to_json


class V2Host:
    """The server at the target's endpoint, restored at the end of the block.

    `runtime=triton` loads each file under its name; `runtime=v2` has one model, loaded by name if possible.
    """

    process = None

    def __init__(self, target: Target) -> None:
        self.runtime, self.address = target.runtime, target.endpoint or ""
        self._target, self._server = target, V2Server(self.address, environment_token())
        self._loads_by_name = False

    def __enter__(self) -> Self:
        self._server.check()
        return self

    def __exit__(self, *_: object) -> None:
        # A server that has ended cannot be restored.
        with suppress(ServerError):
            if self._loads_by_name and self._target.model and not self._server.ready(self._target.model):
                self._server.load(self._target.model)
        self._server.close()

    @property
    def controls_loading(self) -> bool:
        """Whether the server loads models on request, which for `runtime=v2` is known after the first load."""
        return self.runtime == "triton" or self._loads_by_name

    def version(self) -> str | None:
        """The name and version that the server reports."""
        return " ".join(self._server.name_and_version())

    def load(self, name: str, path: Path, resources: Resources) -> V2Model:
        """The loaded model; raises `ServerNotFoundError` where it is not served and `ModelError` where it differs."""
        source, sink = tensors(path)
        if self.runtime == "triton":
            self._load_file(name, path, source, sink, resources)
        elif name == self._target.model:
            self._loads_by_name = self._server.load(name)
        else:
            raise ServerError(f"the server at {self.address} takes no model but the deployed {self._target.model}")
        if not self._server.ready(name):
            raise ServerNotFoundError(
                f"model {name} is not served at {self.address}: deploy it there, or name a served one with model=NAME"
            )
        if difference := self._server.difference(name, source, sink):
            raise ModelError(
                f"model {name} at {self.address} has {difference} by {path}: "
                "deploy that file there, or profile the served one"
            )
        return V2Model(self._server, self.runtime, name, source.name, sink.name)

    def _load_file(self, name: str, path: Path, source: Tensor, sink: Tensor, resources: Resources) -> None:
        target = self._target
        serving = ServingSettings(
            resources.threads, resources.instances, MAX_BATCH, target.providers, target.gpu, resources.batching
        )
        # The server keeps the old network for an equal configuration, so each load has a different one.
        config = model_config(source, sink, serving, {"load": str(time.monotonic_ns())})
        if not self._server.load(name, to_json(config), {"file:1/model.onnx": path.read_bytes()}):
            # This call raises where the server has ended.
            self._server.ready(name)
            raise BadInputError(
                f"the server at {self.address} takes no files: start Triton with --model-control-mode=explicit, "
                f"name its token's file in {TOKEN_FILE}, or measure what it serves with runtime=v2 and model=NAME"
            )

    def unload(self, name: str) -> None:
        """Unloads the model and waits for the end of it, if the server unloads on request."""
        if self.controls_loading:
            self._server.unload(name)

    def restart(self) -> bool:
        """False, as an external server is not restarted."""
        return False
