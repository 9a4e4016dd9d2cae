"""The machine and the server of a measurement."""

from typing import Literal

from profiler.records.base import Record

BackendKind = Literal["cpp", "python", "in-process", "unknown"]


class Fingerprint(Record):
    """The machine, the server and the resources of a measurement, without state (clock rate, load) and price."""

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
