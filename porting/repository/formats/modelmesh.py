"""ModelMesh: model folders, an InferenceService for each, and the ServingRuntime for all.

https://github.com/kserve/modelmesh-serving (CRDs, docs/model-formats) and modelmesh-runtime-adapter, which
needs a `config.pbtxt` without a name and gives a model modelLoadingTimeoutMillis from the pull to ready.
"""

from typing import Any

from porting.repository.formats.conversion import Conversion, ConvertedFiles
from porting.repository.formats.kubernetes import image_tag, inference_service, kubernetes_name, manifest, resources
from porting.repository.formats.modelmesh_models import Held, hold, multiplier, room_bytes
from porting.repository.triton_files import CONFIG

RUNTIME = "runtime.yaml"
# The timeout includes the pull from storage, which was not measured.
TIMES_THE_SLOWEST_LOAD = 10


def files(conversion: Conversion) -> ConvertedFiles:
    """The folders, services and the runtime; raises `BadInputError` for an unknown memory or load time.

    The storage URI is that of the output folder.
    """
    uri = conversion.uri("the converted folder")
    held = [hold(conversion, one) for one in conversion.measured()]
    texts = {RUNTIME: manifest(notes(held), [runtime(conversion.target, held)])}
    contents: dict[str, bytes] = {}
    for model in held:
        name = model.one.name
        texts[f"{kubernetes_name(name)}.yaml"] = manifest(
            [model.one.provenance()], [service(model, conversion.target, f"{uri}/{name}")]
        )
        texts[f"{name}/{CONFIG}"] = model.config
        contents |= {f"{name}/{path}": content for path, content in model.files.items()}
    return ConvertedFiles(texts, contents)


def notes(held: list[Held]) -> list[str]:
    """The comments on how the runtime's figures follow from the measurements."""
    return [
        *(
            f"{model.one.provenance()}: {model.added_bytes} bytes above the {model.server_bytes} of the server without "
            f"it, {model.disk_bytes} bytes on disk, slowest load {model.slowest_load_ms:g} ms"
            for model in held
        ),
        "memBufferBytes: the server without a model; MODELSIZE_MULTIPLIER: the greatest memory over disk",
        "memory: the server and all these models at once, which is the peak of each; it holds no reserve",
        f"modelLoadingTimeoutMillis: {TIMES_THE_SLOWEST_LOAD} times the slowest load, as the pull from storage counts "
        "too and was not measured",
    ]


def runtime(target: str, held: list[Held]) -> dict[str, Any]:
    """The ServingRuntime of all models."""
    profile = held[0].one.profile
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
                    "resources": resources(profile.target, room_bytes(held)),
                }
            ],
            "builtInAdapter": {
                "serverType": "triton",
                "runtimeManagementPort": 8001,
                "memBufferBytes": max(model.server_bytes for model in held),
                "modelLoadingTimeoutMillis": round(
                    TIMES_THE_SLOWEST_LOAD * max(model.slowest_load_ms for model in held)
                ),
                "env": [{"name": "MODELSIZE_MULTIPLIER", "value": f"{multiplier(held):.6f}"}],
            },
        },
    }


def runtime_name(target: str) -> str:
    """The name of the ServingRuntime for a target."""
    return kubernetes_name(f"dnn-porting-{target}")


def service(model: Held, target: str, uri: str) -> dict[str, Any]:
    """The InferenceService of a model; its annotation assigns it to ModelMesh's controller."""
    served = {"modelFormat": {"name": "onnx", "version": "1"}, "runtime": runtime_name(target), "storageUri": uri}
    return inference_service(model.one, served, {"serving.kserve.io/deploymentMode": "ModelMesh"})
