"""Where to measure: the runtime, its address, the resources that it gets, and what they cost."""

from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from profiler.resources import Resources

Runtime = Literal["triton", "v2", "onnxruntime", "torch"]
Provider = Literal["cpu", "cuda", "tensorrt", "openvino"]


class Price(BaseModel):
    """What the user says that the box costs, and since when; nothing here is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    currency: str = Field(pattern="^[A-Z]{3}$")
    as_of: date
    per_hour: float | None = Field(default=None, ge=0)
    per_gb_s: float | None = Field(default=None, ge=0)
    per_call: float | None = Field(default=None, ge=0)
    start_up_s: float | None = Field(default=None, ge=0)


class Target(BaseModel):
    """One place that serves models, from `conf/target/<name>.yaml`.

    `triton` without an `endpoint` (`HOST:PORT` of a gRPC service) is a server that the profiler starts and
    stops; with one, a running Triton with model control. `v2` is any other KServe-V2 server at `endpoint`,
    which serves the file under the name `model`. `onnxruntime` and `torch` run in the profiler's process; torch
    serves the TorchScript program that lies beside the file, as `model.pt` beside `model.onnx`.
    `cores` are the server's; the load generator takes the others where the machine has more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    runtime: Runtime = "triton"
    endpoint: str | None = None
    model: str | None = None
    server_environment: Path | None = None
    grpc_port: int | None = Field(default=None, ge=1024, le=65535)
    cores: int = Field(default=1, ge=1)
    threads: int = Field(default=1, ge=1)
    instances: int = Field(default=1, ge=1)
    providers: tuple[Provider, ...] = Field(default=("cpu",), min_length=1)
    load_generator: Literal["built-in", "perf_analyzer"] = "built-in"
    memory_bytes: int | None = Field(default=None, gt=0)
    price: Price | None = None

    @model_validator(mode="after")
    def endpoints_where_they_belong(self) -> Self:
        if self.runtime == "v2" and not (self.endpoint and self.model):
            raise ValueError("runtime=v2 needs endpoint=HOST:PORT and the model's name there, model=NAME")
        if self.runtime in ("onnxruntime", "torch") and self.endpoint:
            raise ValueError(f"runtime={self.runtime} runs in the profiler's own process and takes no endpoint")
        if self.runtime in ("onnxruntime", "torch") and self.load_generator == "perf_analyzer":
            raise ValueError(f"runtime={self.runtime} has no address that perf_analyzer could call")
        return self

    @property
    def resources(self) -> Resources:
        """What the target gives by itself."""
        return Resources(self.cores, self.threads, self.instances)
