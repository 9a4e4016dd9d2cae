"""KServe: an InferenceService (serving.kserve.io/v1beta1) that serves a variant of a repository with Triton.

https://github.com/kserve/kserve, config/crd/full and config/runtimes/kserve-tritonserver.yaml: the runtime mounts
the repository's root and appends the arguments here to its own.
"""

from typing import Any

from porting.repository.formats.conversion import Conversion, ConvertedFiles
from porting.repository.formats.kubernetes import (
    image_tag,
    inference_service,
    kubernetes_name,
    manifest,
    resources,
)
from porting.repository.variant_on_target import VariantOnTarget
from profiler.records.memory import MemoryPoint


def files(conversion: Conversion) -> ConvertedFiles:
    """One manifest a variant; raises `BadInputError` without the storage URI of the repository's root."""
    uri = conversion.uri("the repository's root")
    found = conversion.measured()
    return ConvertedFiles(
        {f"{kubernetes_name(one.name)}.yaml": manifest(notes(one), [service(one, uri)]) for one in found}
    )


def notes(one: VariantOnTarget) -> list[str]:
    """The comments on the origin of the figures, and the reason for a missing one."""
    memory = one.served_memory()
    return [
        one.provenance(),
        f"cpu: the cores that served while it was measured, {one.profile.target.cores}",
        (
            f"memory: the peak of the serving processes over batches {memory[0].batch} to {memory[-1].batch}, "
            "rounded up to MiB; it holds no reserve, and another kind of backend takes other amounts"
            if memory
            else f"memory is left out, and is then the runtime's default: {one.why_no(MemoryPoint)}"
        ),
        "runtimeVersion: --model-config-name needs Triton 2.46 (container 24.05) or newer",
    ]


def service(one: VariantOnTarget, uri: str) -> dict[str, Any]:
    """The InferenceService of a variant."""
    model = {
        "modelFormat": {"name": "triton"},
        "runtime": "kserve-tritonserver",
        "runtimeVersion": image_tag(one.profile.fingerprint),
        "protocolVersion": "v2",
        "storageUri": uri,
        "args": [
            f"--model-config-name={one.profile.target_name}",
            "--model-control-mode=explicit",
            f"--load-model={one.name}",
        ],
        "resources": resources(one.profile.target, one.peak_bytes()),
    }
    return inference_service(one, model, {})
