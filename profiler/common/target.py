"""The target of a measurement: its runtime, address, resources and price; and the tensors that it serves."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from profiler.common.batching import Batching

Runtime = Literal["triton", "v2", "onnxruntime", "torch"]
Provider = Literal["cpu", "cuda", "tensorrt", "openvino"]
ON_GPU: set[Provider] = {"cuda", "tensorrt"}
TargetName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$", max_length=63)]
Money = Annotated[float, Field(ge=0, le=1e9)]
# These limits are above what a machine has, so that an untrusted target or level cannot exhaust its memory.
MAX_CORES = 4096
MAX_INSTANCES = 256
# The most threads or instances per core.
MAX_A_CORE = 16


@dataclass(frozen=True)
class Resources:
    """`cores` of the machine (half a core is a quota), `threads` inside an operator, `instances` side by side.

    A Triton with a `batching` joins single requests; a target's own resources have none.
    """

    cores: float
    threads: int
    instances: int
    batching: Batching | None = None


@dataclass(frozen=True)
class Tensor:
    """A graph's input or output: its name and its shape without the batch axis, -1 where it is left open."""

    name: str
    shape: tuple[int, ...]


class Price(BaseModel):
    """The price of the machine as the user states it, with its date; no value is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    currency: str = Field(pattern="^[A-Z]{3}$")
    as_of: date
    per_hour: Money | None = None
    per_gb_s: Money | None = None
    per_call: Money | None = None
    start_up_s: Money | None = None


class Target(BaseModel):
    """A place that serves models, from `conf/target/<name>.yaml`.

    `triton` without an `endpoint` (`HOST:PORT` of a gRPC service) is a server that the profiler starts; with one,
    it is a running Triton with model control. `v2` is any other KServe V2 server at `endpoint`, which serves the
    file under the name `model`. `onnxruntime` and `torch` run in the profiler's process; torch serves the
    TorchScript program `model.pt` beside `model.onnx`. The providers `cuda` and `tensorrt` compute on the GPU with
    the number `gpu`, as `nvidia-smi` counts, and energy and memory are of this GPU. Records leave
    `server_environment` out. The load generator takes other cores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    runtime: Runtime = "triton"
    endpoint: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.:\[\]-]+:[0-9]{1,5}$", max_length=255)
    model: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=255)
    server_environment: Path | None = Field(default=None, exclude=True)
    grpc_port: int | None = Field(default=None, ge=1024, le=65535)
    cores: int = Field(default=1, ge=1, le=MAX_CORES)
    threads: int = Field(default=1, ge=1)
    instances: int = Field(default=1, ge=1, le=MAX_INSTANCES)
    providers: tuple[Provider, ...] = Field(default=("cpu",), min_length=1, max_length=4)
    gpu: int = Field(default=0, ge=0, le=255)
    load_generator: Literal["built-in", "perf_analyzer"] = "built-in"
    memory_bytes: int | None = Field(default=None, gt=0, le=1 << 60)
    price: Price | None = None

    @field_validator("server_environment")
    @classmethod
    def of_this_machine(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        """The path itself; raises `ValueError` where it comes from a JSON record."""
        if info.mode == "json" and value is not None:
            raise ValueError("it is a path of one machine, and a program would be started from it: leave it out")
        return value

    @model_validator(mode="after")
    def not_more_than_the_cores_can_use(self) -> Self:
        """The target itself; raises `ValueError` for more threads or instances than the cores can use."""
        most = MAX_A_CORE * self.cores
        for name in ("threads", "instances"):
            if getattr(self, name) > most:
                raise ValueError(
                    f"{name}={getattr(self, name)} on {self.cores} core(s): at most {most}, {MAX_A_CORE} for each core"
                )
        return self

    @model_validator(mode="after")
    def endpoints_where_they_belong(self) -> Self:
        """The target itself; raises `ValueError` where the runtime needs an endpoint or must not have one."""
        if self.runtime == "v2" and not (self.endpoint and self.model):
            raise ValueError("runtime=v2 needs endpoint=HOST:PORT and the model's name there, model=NAME")
        if self.runtime in ("onnxruntime", "torch") and self.endpoint:
            raise ValueError(f"runtime={self.runtime} runs in the profiler's own process and takes no endpoint")
        if self.runtime in ("onnxruntime", "torch") and self.load_generator == "perf_analyzer":
            raise ValueError(f"runtime={self.runtime} has no address that perf_analyzer could call")
        return self

    @property
    def on_gpu(self) -> bool:
        """Whether it computes on a GPU that NVML knows."""
        return bool(ON_GPU & set(self.providers))

    @property
    def computes_in(self) -> Literal["onnxruntime", "torch"]:
        """The runtime that computes in the profiler's own process; that of a server stands for its ONNX Runtime."""
        return "torch" if self.runtime == "torch" else "onnxruntime"

    @property
    def resources(self) -> Resources:
        """The target's own resources."""
        return Resources(self.cores, self.threads, self.instances)
