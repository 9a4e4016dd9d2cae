"""ModelMesh: model folders, an InferenceService for each, and the ServingRuntime for all.

https://github.com/kserve/modelmesh-serving (CRDs, docs/model-formats) and modelmesh-runtime-adapter, which
needs a `config.pbtxt` without a name and gives a model modelLoadingTimeoutMillis from the pull to ready. It sizes a
model as MODELSIZE_MULTIPLIER times its folder on disk, and has the container's memory request minus memBufferBytes for
models.
"""

from dataclasses import dataclass
from typing import Any

from porting.repository.formats.conversion import Conversion, ConvertedFiles
from porting.repository.formats.kserve import image_tag, inference_service, kubernetes_name, manifest, resources
from porting.repository.variant_files import CONFIG, VariantFiles
from porting.repository.variant_on_target import VariantOnTarget
from profiler.records.memory import MemoryPoint
from profiler.records.warm_up import LoadTime

RUNTIME = "runtime.yaml"
# The timeout includes the pull from storage, which was not measured.
TIMES_THE_SLOWEST_LOAD = 10


@dataclass(frozen=True)
class ModelMeshModel:
    """A variant in ModelMesh: its folder, the memory that it adds, and the memory of the server without it."""

    one: VariantOnTarget
    config: str
    files: dict[str, bytes]
    added_bytes: int
    server_bytes: int
    slowest_load_ms: float

    @property
    def disk_bytes(self) -> int:
        """The size of the folder on disk."""
        return len(self.config.encode()) + sum(map(len, self.files.values()))


def files(conversion: Conversion) -> ConvertedFiles:
    """The folders, services and the runtime; raises `BadInputError` for an unknown memory or load time.

    The storage URI is that of the output folder.
    """
    uri = conversion.uri("the converted folder")
    models = [model_of(conversion, one) for one in conversion.measured()]
    texts = {RUNTIME: manifest(notes(models), runtime(conversion.target, models))}
    contents: dict[str, bytes] = {}
    for model in models:
        name = model.one.name
        service = service_of(model, conversion.target, f"{uri}/{name}")
        texts[f"{kubernetes_name(name)}.yaml"] = manifest([model.one.provenance()], service)
        texts[f"{name}/{CONFIG}"] = model.config
        contents |= {f"{name}/{path}": content for path, content in model.files.items()}
    return ConvertedFiles(texts, contents)


def notes(models: list[ModelMeshModel]) -> list[str]:
    """The comments on how the runtime's figures follow from the measurements."""
    return [
        *(
            f"{model.one.provenance()}: {model.added_bytes} bytes above the {model.server_bytes} of the server without "
            f"it, {model.disk_bytes} bytes on disk, slowest load {model.slowest_load_ms:g} ms"
            for model in models
        ),
        "memBufferBytes: the server without a model; MODELSIZE_MULTIPLIER: the greatest ratio of memory to disk",
        "memory: the server and all these models at once, with the peak of each; it has no reserve",
        f"modelLoadingTimeoutMillis: {TIMES_THE_SLOWEST_LOAD} times the slowest load, because the pull from storage "
        "counts too and was not measured",
    ]


def runtime(target: str, models: list[ModelMeshModel]) -> dict[str, Any]:
    """The ServingRuntime of all models, with the memory of the server and of every model as sized by one factor."""
    profile = models[0].one.profile
    server_bytes = max(model.server_bytes for model in models)
    multiplier = max(model.added_bytes / model.disk_bytes for model in models)
    memory_bytes = server_bytes + round(multiplier * sum(model.disk_bytes for model in models))
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": {"name": runtime_name(target), "annotations": {"maxLoadingConcurrency": "1"}},
        "spec": {
            "supportedModelFormats": [{"name": "onnx", "version": "1"}],
            "protocolVersions": ["grpc-v2"],
            "multiModel": True,
            "grpcEndpoint": "port:8085",
            "grpcDataEndpoint": "port:8001",
            "containers": [
                {
                    "name": "triton",
                    "image": f"nvcr.io/nvidia/tritonserver:{image_tag(profile.fingerprint)}",
                    "command": ["/bin/sh", "-c"],
                    "args": [
                        "install -d -m 777 /models/_triton_models && exec tritonserver "
                        "--model-repository=/models/_triton_models --model-control-mode=explicit "
                        "--strict-readiness=false --allow-http=true --allow-sagemaker=false"
                    ],
                    "resources": resources(profile.target, memory_bytes),
                }
            ],
            "builtInAdapter": {
                "serverType": "triton",
                "runtimeManagementPort": 8001,
                "memBufferBytes": server_bytes,
                "modelLoadingTimeoutMillis": round(
                    TIMES_THE_SLOWEST_LOAD * max(model.slowest_load_ms for model in models)
                ),
                "env": [{"name": "MODELSIZE_MULTIPLIER", "value": f"{multiplier:.6f}"}],
            },
        },
    }


def runtime_name(target: str) -> str:
    """The name of the ServingRuntime for a target."""
    return kubernetes_name(f"dnn-porting-{target}")


def service_of(model: ModelMeshModel, target: str, uri: str) -> dict[str, Any]:
    """The InferenceService of a model; its annotation assigns it to ModelMesh's controller."""
    served = {"modelFormat": {"name": "onnx", "version": "1"}, "runtime": runtime_name(target), "storageUri": uri}
    return inference_service(model.one, served, {"serving.kserve.io/deploymentMode": "ModelMesh"})


def model_of(conversion: Conversion, one: VariantOnTarget) -> ModelMeshModel:
    """The ModelMesh model of a variant; raises `BadInputError` for a missing figure."""
    files = VariantFiles.of(conversion.repository, one.name)
    # The largest peak of the serving processes over the batches, and their memory before the model was loaded.
    pairs = (
        (point.peak_bytes, point.resident_bytes - point.model_bytes)
        for point in one.served_memory()
        if point.peak_bytes and point.resident_bytes and point.model_bytes is not None
    )
    most = max(((peak, server) for peak, server in pairs if peak > server), default=None)
    peak, server = one.needed(most, "memory of serving processes, without it and with it", MemoryPoint)
    loads = [point.max_ms for point in one.profile.load_time if point.max_ms is not None]
    return ModelMeshModel(
        one=one,
        config=files.config(conversion.target),
        files=files.served(),
        added_bytes=peak - server,
        server_bytes=server,
        slowest_load_ms=one.needed(max(loads, default=None), "load time", LoadTime),
    )
