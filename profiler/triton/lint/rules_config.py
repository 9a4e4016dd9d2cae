"""Rules on name, backend, batch size and instances of a model."""

import difflib
from collections.abc import Iterator

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from profiler.triton.lint.completion import BACKEND_OF_PLATFORM, FILE_OF_BACKEND, utf_8
from profiler.triton.lint.model import ENSEMBLE, ONNX_RUNTIME, Finding, Model

OWN_SERVER = (ONNX_RUNTIME, "python")
# Backends in NVIDIA's containers, besides those that are recognised by their files.
NVIDIA_ONLY = ("dali", "fil", "identity", "repeat", "square", "tensorrtllm", "vllm", "torch_aoti")
WITH_PLATFORM = ("tensorflow", "tensorrt", ONNX_RUNTIME, "pytorch")
MANY_INSTANCES = 128


def identity_rules(model: Model) -> Iterator[Finding]:
    """Rules on name, platform and backend."""
    config = model.config
    if config.name != utf_8(model.name):
        yield model.error("name-differs", f"name is {config.name!r}, and the folder {model.name!r}: leave name out")
    if config.max_batch_size < 0:
        yield model.error("batch-size", f"max_batch_size is {config.max_batch_size}: choose 0 or more")
    if model.is_ensemble:
        if config.backend:
            yield model.error("backend", f"an ensemble has no backend, not {config.backend!r}: leave it out")
        return
    if not config.backend:
        yield model.error("backend", f"platform {config.platform!r} has no backend: write backend: 'onnxruntime'")
    elif config.backend in WITH_PLATFORM and BACKEND_OF_PLATFORM.get(config.platform) != config.backend:
        message = f"platform {config.platform!r} and backend {config.backend!r} do not go together: leave platform out"
        yield model.error("platform", message)
    else:
        yield from backend_rules(model, config.backend)


def backend_rules(model: Model, backend: str) -> Iterator[Finding]:
    """Rules on the backend: whether a server has it, and of which kind."""
    known = {*OWN_SERVER, *FILE_OF_BACKEND, *NVIDIA_ONLY}
    if "/" in backend or backend.startswith("."):
        yield model.warning("backend-path", f"backend {backend!r} is a path: name a backend, like 'onnxruntime'")
    elif backend in known - set(OWN_SERVER):
        message = f"needs a server with the backend {backend!r}; only what every backend shares is checked"
        yield model.elsewhere("backend-needed", message, "warning")
    elif backend not in known:
        close = difflib.get_close_matches(backend, known, n=1) or [ONNX_RUNTIME]
        yield model.error("backend", f"backend {backend!r} is not known: did you mean {close[0]!r}?")
    runtime = model.config.runtime
    if backend == ONNX_RUNTIME and runtime == f"libtriton_{backend}.so":
        yield model.error("runtime", f"runtime {runtime!r} keeps the model off the Python-based server: leave it out")
    elif backend == ONNX_RUNTIME and runtime == "model.py":
        yield model.elsewhere("runtime", f"runtime {runtime!r} keeps the model off the C++ backend: leave it out")
    elif backend == ONNX_RUNTIME and runtime:
        yield model.error("runtime", f"runtime {runtime!r} is no part of the backend: leave it out")


def instance_rules(model: Model) -> Iterator[Finding]:
    """Rules on `instance_group` (core: `NormalizeInstanceGroup`, `ValidateInstanceGroup`)."""
    if model.is_ensemble or model.config.HasField("ensemble_scheduling"):
        return
    if not any(group.count > 0 for group in model.config.instance_group):
        yield model.warning("instance-count", "no instance_group has a count, so a CPU gets two: write the count")
    for group in model.config.instance_group:
        yield from group_rules(model, group)


def group_rules(model: Model, group: ModelInstanceGroup) -> Iterator[Finding]:
    """Rules on one group; lint cannot know whether the serving host has a GPU."""
    kinds = ModelInstanceGroup.Kind
    if group.kind not in kinds.values():
        names = ", ".join(kinds.keys())
        yield model.error("instance-kind", f"instance_group kind {group.kind} is none of {names}")
        return
    if group.kind == ModelInstanceGroup.KIND_GPU or (group.kind == ModelInstanceGroup.KIND_AUTO and group.gpus):
        which = ", ".join(map(str, group.gpus[:10])) or "any"
        yield model.warning("gpu-needed", f"needs a serving host with an NVIDIA GPU ({which}): others refuse the model")
    elif group.gpus and group.kind in (ModelInstanceGroup.KIND_CPU, ModelInstanceGroup.KIND_MODEL):
        yield model.error("instance-gpus", f"{kinds.Name(group.kind)} with gpus: leave gpus out, or choose KIND_GPU")
    if group.profile and model.config.platform != "tensorrt_plan":
        yield model.error("instance-profile", "profile is for TensorRT models only: leave it out")
    if group.count > MANY_INSTANCES:
        yield model.warning("instance-count", f"{group.count:,} instances, each with its own session: choose fewer")


def ensemble_platform_rules(model: Model) -> Iterator[Finding]:
    """Rules on the platform of an ensemble, and on fields that an ensemble cannot have."""
    config: ModelConfig = model.config
    steps = config.HasField("ensemble_scheduling")
    if model.is_ensemble and not steps:
        yield model.error("ensemble", f"platform is {ENSEMBLE!r} and ensemble_scheduling is missing: write its steps")
    if steps and not model.is_ensemble:
        yield model.error("ensemble", f"ensemble_scheduling needs platform: {ENSEMBLE!r}")
    if not (steps and model.is_ensemble):
        return
    for field in ("instance_group", "model_warmup"):
        if len(getattr(config, field)):
            yield model.error("ensemble", f"an ensemble cannot have {field}: leave it out")
    if config.HasField("optimization"):
        yield model.error("ensemble", "an ensemble cannot have optimization: leave it out")
    if not config.ensemble_scheduling.step:
        yield model.error("ensemble", "ensemble_scheduling has no step: write at least one")
