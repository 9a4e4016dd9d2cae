"""What was measured on."""

from typing import Literal

from profiler.records.base import Record

BackendKind = Literal["cpp", "python", "in-process", "unknown"]


class Fingerprint(Record):
    """What was measured on: never the clock rate or the load (state), never a price."""

    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    gpu_models: list[str]
    system: str
    runtime: str
    runtime_version: str | None
    backend_kind: BackendKind
    onnxruntime_version: str | None
    cores: int
    threads: int
    instances: int
    providers: list[str]
