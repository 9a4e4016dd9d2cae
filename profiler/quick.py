"""The `quick` level: in seconds, enough to rank a variant and to drop what is dominated."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tritonclient.grpc import InferenceServerClient

from profiler.errors import BadInputError
from profiler.graph.complexity import count_complexity
from profiler.identity import fingerprint, is_here, measurement_key
from profiler.level import QuickSettings
from profiler.load_generator.probe import Probe
from profiler.locks import exclusive
from profiler.measure.latency import measure_latency
from profiler.measure.throughput import Search, ThroughputMeter
from profiler.records.fingerprint import Fingerprint
from profiler.records.latency import LatencyPoint
from profiler.records.profile import Profile
from profiler.records.warm_up import FirstInference, LoadTime
from profiler.runtimes.served import Expectation, Served, in_process
from profiler.runtimes.session import pinned
from profiler.runtimes.v2 import connected, loaded, server_version
from profiler.system.machine import split_cores
from profiler.target import Target
from profiler.triton.installation import find_triton
from profiler.triton.server import triton_server

HOST_LOCK = Path(tempfile.gettempdir()) / "dnn-porting-profiler.lock"
Samples = dict[str, np.ndarray]
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Bench:
    """A target made ready: its server runs (or none is needed), nobody else measures on this host."""

    name: str
    target: Target
    settings: QuickSettings
    fingerprint: Fingerprint
    probe: Probe
    server_cores: list[int]
    client_cores: list[int]
    client: InferenceServerClient | None

    def profile(
        self, path: Path, onnx_sha256: str, reference_per_s: float | None, announce: Announce
    ) -> tuple[Profile, Samples]:
        """Measures one ONNX file; returns its profile and the raw samples. `announce` is told what comes next.

        `reference_per_s` is the probe's rate that counts as this machine's normal speed: that of the first
        profile on the same fingerprint, or `None` to take the one found now.
        """
        start, measured_at = time.monotonic(), datetime.now(UTC)
        reference = reference_per_s or self.probe.usual_rate_per_s()
        complexity = count_complexity(path)
        announce("latency")
        samples: Samples = {}
        latency = list(self._latency(path, samples))
        announce("load time")
        with ExitStack() as stack:
            served, load_s = stack.enter_context(self._serve(path))
            expectation = Expectation(path, max(self.settings.throughput_batches))
            stack.enter_context(pinned(self.server_cores if self.client is None else self.client_cores))
            announce("maximal throughput")
            meter = ThroughputMeter(served, expectation, self.target, self.probe)
            points, best = meter.search(self._search(), reference)
        announce("done")
        for index, run in enumerate(meter.runs):
            key = f"throughput_{index:02d}_batch_{run.batch}_concurrency_{run.concurrency}"
            samples[f"{key}_images_per_s"] = np.array(run.rates())
            samples[f"{key}_probe_per_s"] = np.array(run.probes_per_s)
            samples[f"{key}_latency_s"] = np.array([value for one in run.slices for value in one.latencies_s])
        return Profile(
            key=measurement_key(onnx_sha256, self.target, self.settings),
            level="quick",
            target_name=self.name,
            target=self.target,
            fingerprint=self.fingerprint,
            onnx_sha256=onnx_sha256,
            complexity=complexity,
            first_inference=[first for first, _ in latency],
            latency=[point for _, point in latency],
            load_time=LoadTime(runtime=served.runtime, n=1, mean_ms=load_s * 1e3),
            throughput=points,
            max_throughput=best,
            probe_reference_per_s=reference,
            settings=self.settings.model_dump(mode="json"),
            measured_at=measured_at,
            seconds=time.monotonic() - start,
        ), samples

    def _latency(self, path: Path, samples: Samples) -> Iterator[tuple[FirstInference, LatencyPoint]]:
        settings = self.settings
        for first, point, raw in measure_latency(
            path, self.target, self.server_cores, settings.batches, settings.seconds_per_batch
        ):
            samples[f"latency_batch_{point.batch}_ms"] = np.array(raw)
            yield first, point

    def _search(self) -> Search:
        settings = self.settings
        return Search(
            settings.throughput_batches, settings.max_concurrency, settings.search_slices, settings.settle_slices
        )

    @contextmanager
    def _serve(self, path: Path) -> Iterator[tuple[Served, float]]:
        if self.client is None:
            with in_process(path, self.target.threads, self.server_cores) as (model, seconds):
                yield model, seconds
        else:
            with loaded(self.client, path, self.target) as (model, seconds):
                yield model, seconds


@contextmanager
def bench(name: str, target: Target, settings: QuickSettings) -> Iterator[Bench]:
    """Makes a target ready to be measured on, alone on this host, and takes everything down again.

    Raises `BadInputError` where another run is measuring, `ServerNotFoundError` where no server is
    to be had, `ServerError` where it does not come up.
    """
    server_cores, client_cores = split_cores(target.cores)
    with ExitStack() as stack:
        stack.enter_context(exclusive(HOST_LOCK, "the profiler on this host"))
        client, version, kind, onnxruntime_version = None, None, "in-process", ort.__version__
        if target.runtime == "triton":
            kind, endpoint, onnxruntime_version = "unknown", target.endpoint, None
            if endpoint is None:
                installation = find_triton(target.server_environment)
                server = triton_server(installation, grpc_port=target.grpc_port, cores=server_cores)
                endpoint, kind = stack.enter_context(server).endpoint, installation.backend_kind
                onnxruntime_version = installation.onnxruntime_version()
            elif not is_here(endpoint):
                raise BadInputError(
                    f"endpoint {endpoint} is on another machine, of which this one can tell neither cores nor noise: "
                    "run the profile stage there, or take an endpoint on 127.0.0.1"
                )
            client = stack.enter_context(connected(endpoint))
            version = server_version(client)
        found = fingerprint(target, version, kind, onnxruntime_version)
        yield Bench(name, target, settings, found, Probe(server_cores), server_cores, client_cores, client)
