"""A Triton server that the profiler starts and stops, with its own repository folder."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

from profiler.common.batching import MAX_BATCH
from profiler.common.errors import ServerError
from profiler.common.target import Resources, Target
from profiler.runtimes.kserve.model import V2Model
from profiler.runtimes.kserve.server import V2Server
from profiler.runtimes.session import tensors
from profiler.triton.config import ServingSettings, model_config, to_text
from profiler.triton.installation import find_triton
from profiler.triton.server import RunningServer, triton_server


class OwnTriton:
    """The server on `cores`, which ends with `close` or with this process."""

    runtime, controls_loading = "triton", True

    def __init__(self, target: Target, cores: list[int]) -> None:
        self.installation = find_triton(target.server_environment)
        self._target, self._cores, self._loads = target, cores, 0
        self._start()

    def _start(self) -> None:
        self._stack = ExitStack()
        running = triton_server(self.installation, grpc_port=self._target.grpc_port, cores=self._cores)
        self._running: RunningServer = self._stack.enter_context(running)
        self._server = V2Server(self._running.endpoint, lambda: self._running.token)
        self._stack.callback(self._server.close)

    def close(self) -> None:
        """Kills the server, which would take seconds to unload its models, and waits for its end."""
        self._running.process.kill()
        self._stack.close()

    @property
    def address(self) -> str:
        """HOST:PORT of the gRPC interface."""
        return self._running.endpoint

    @property
    def process(self) -> int:
        """The server's process."""
        return self._running.process.pid

    def version(self) -> str | None:
        """The version that the server reports."""
        return self._server.name_and_version()[1]

    def load(self, name: str, path: Path, resources: Resources) -> V2Model:
        """The loaded model; raises `ServerError` where the server refuses it."""
        source, sink = tensors(path)
        target = self._target
        serving = ServingSettings(
            resources.threads, resources.instances, MAX_BATCH, target.providers, target.gpu, resources.batching
        )
        # The server keeps the old network for an equal configuration, so each load has a different one.
        self._loads += 1
        config = model_config(source, sink, serving, {"load": str(self._loads)})
        folder = self._running.models / name
        link_or_copy(path, folder / "1" / "model.onnx")
        (folder / "config.pbtxt").write_text(to_text(config))
        self._server.load(name)
        if not self._server.ready(name):
            raise ServerError(f"the server loaded {path} and does not report it as ready")
        return V2Model(self._server, self.runtime, name, source.name, sink.name)

    def unload(self, name: str) -> None:
        """Unloads the model and waits for the end of it; does nothing for an unknown name."""
        folder = self._running.models / name
        if folder.exists():
            self._server.unload(name)
            shutil.rmtree(folder)

    def restart(self) -> bool:
        """Replaces the server, which may hang or have ended; returns True, as models must be loaded again."""
        self.close()
        self._start()
        return True


def link_or_copy(source: Path, destination: Path) -> None:
    """Puts a file under another name, as a hard link if the file system allows it."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.unlink(missing_ok=True)
    try:
        os.link(source, destination)
    except OSError:
        shutil.copyfile(source, destination)
