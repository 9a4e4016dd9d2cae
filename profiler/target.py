"""Where to measure: the runtime, its address, and the resources that it gets."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Target(BaseModel):
    """One place that serves models, from `conf/target/<name>.yaml`.

    Without an `endpoint` (`HOST:PORT` of a KServe-V2 gRPC service with model control) the profiler
    starts a Triton server of its own and stops it. `cores` are the server's; the load generator takes
    the others where the machine has more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    runtime: Literal["triton", "onnxruntime"] = "triton"
    endpoint: str | None = None
    server_environment: Path | None = None
    grpc_port: int | None = Field(default=None, ge=1024, le=65535)
    cores: int = Field(default=1, ge=1)
    threads: int = Field(default=1, ge=1)
    instances: int = Field(default=1, ge=1)
