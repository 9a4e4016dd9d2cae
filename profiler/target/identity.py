"""What a measurement hangs on: the key that decides whether it is still good, and the fingerprint of the machine."""

import hashlib
import json
import platform

import onnxruntime as ort
import psutil
from pydantic import JsonValue

from profiler.common.target import Target
from profiler.records.complexity import BackendKind, Fingerprint
from profiler.runtimes.torch_program import torch_version
from profiler.system.machine import cpu_model, gpu_models
from profiler.triton.installation import find_triton

# Kernels differ by some pages in what they keep for themselves; the machine is the same.
MEMORY_STEP = 1 << 28
# Where a target's server listens, and what it costs, decide no figure.
NOT_MEASURED = {"grpc_port", "price", "memory_bytes"}


def profile_key(onnx_sha256: str, target: Target, program_sha256: str | None = None) -> str:
    """The hash of what decides every figure: file, machine, server and resources, known before a server runs.

    The program is what torch serves in place of the ONNX file; no other runtime asks for it.
    """
    server = target.endpoint
    if target.runtime == "triton" and server is None:
        server = find_triton(target.server_environment).identity()
    if target.runtime == "torch":
        server = f"torch {torch_version()} {program_sha256}"
    resources = what_decides(target)
    machine = fingerprint(target, None, "unknown", ort.__version__).model_dump(mode="json", exclude={"backend_kind"})
    return hashlib.sha256(json.dumps([onnx_sha256, server, resources, machine], sort_keys=True).encode()).hexdigest()


def what_decides(target: Target) -> dict[str, JsonValue]:
    """Of a target what decides figures: neither where its server is found on this machine nor what it costs."""
    return target.model_dump(mode="json", exclude=NOT_MEASURED if target.on_gpu else {*NOT_MEASURED, "gpu"})


def is_here(endpoint: str) -> bool:
    """Whether an endpoint is on this machine's loopback."""
    return endpoint.rpartition(":")[0] in ("127.0.0.1", "localhost", "[::1]")


def fingerprint(
    target: Target, runtime_version: str | None, backend_kind: BackendKind, onnxruntime_version: str | None
) -> Fingerprint:
    """What this target is made of."""
    unknown = {
        "runtime_version": None if runtime_version else "the network runs in the profiler's own process",
        "onnxruntime_version": None if onnxruntime_version else "the server does not tell it",
    }
    return Fingerprint(
        cpu_model=cpu_model(),
        cpu_cores=psutil.cpu_count(logical=True) or 1,
        memory_bytes=round(psutil.virtual_memory().total / MEMORY_STEP) * MEMORY_STEP,
        gpu_models=gpu_models(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        runtime=target.runtime,
        runtime_version=runtime_version,
        backend_kind=backend_kind,
        onnxruntime_version=onnxruntime_version,
        cores=target.cores,
        threads=target.threads,
        instances=target.instances,
        providers=list(target.providers),
        reasons={name: reason for name, reason in unknown.items() if reason},
    )
