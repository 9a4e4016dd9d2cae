"""KServe: an InferenceService (serving.kserve.io/v1beta1) that serves a variant of a repository with Triton.

https://github.com/kserve/kserve, config/crd/full and config/runtimes/kserve-tritonserver.yaml: the runtime mounts
the repository's root and appends the arguments here to its own. Other formats use the Kubernetes parts of this module.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from porting.repository.formats.conversion import Conversion, ConvertedFiles
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.target import ON_GPU, Target
from profiler.records.complexity import Fingerprint
from profiler.records.memory import MemoryPoint

MEBIBYTE, LINE_WIDTH = 1 << 20, 1000
# KServe appends "-predictor" to a name, and the name of a service has at most 63 characters.
LONGEST_NAME = 63 - len("-predictor")
KEY_LENGTH = len("-00000000")
# Triton 2.46 is the container of May 2024, the first with --model-config-name. A minor version a month follows until
# 2.59. https://docs.nvidia.com/deeplearning/triton-inference-server/release-notes
FIRST_MINOR, LAST_MINOR, MINOR_BEFORE_2024 = 46, 59, 41
OLDEST_TAG = "24.05-py3"


def files(conversion: Conversion) -> ConvertedFiles:
    """One manifest a variant; raises `BadInputError` without the storage URI of the repository's root."""
    uri = conversion.uri("the repository's root")
    found = {kubernetes_name(one.name): manifest(notes(one), service(one, uri)) for one in conversion.measured()}
    return ConvertedFiles({f"{name}.yaml": text for name, text in found.items()})


def notes(one: VariantOnTarget) -> list[str]:
    """The comments on the origin of the figures, and the reason for a missing one."""
    memory = one.served_memory()
    return [
        one.provenance(),
        f"cpu: the cores that served while it was measured, {one.profile.target.cores}",
        (
            f"memory: the peak of the serving processes over batches {memory[0].batch} to {memory[-1].batch}, "
            "rounded up to MiB; it holds no reserve, and another kind of backend needs other amounts"
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


def kubernetes_name(text: str) -> str:
    """The text as an RFC 1035 label; a long text loses its middle, so that the key at its end stays."""
    label = re.sub("[^a-z0-9-]", "-", text.lower())
    label = label if label[0].isalpha() else f"v-{label}"
    if len(label) > LONGEST_NAME:
        label = label[: LONGEST_NAME - KEY_LENGTH].rstrip("-") + label[-KEY_LENGTH:]
    return label.strip("-")


def mebibytes(count: int) -> str:
    """Bytes as a Kubernetes quantity, rounded up."""
    return f"{-(-count // MEBIBYTE)}Mi"


def resources(target: Target, memory_bytes: int | None) -> dict[str, dict[str, str]]:
    """The cores, GPUs and memory of the measurement as resource requests and limits."""
    amounts = {"cpu": str(target.cores)}
    if memory_bytes is not None:
        amounts["memory"] = mebibytes(memory_bytes)
    if ON_GPU & set(target.providers):
        amounts["nvidia.com/gpu"] = "1"
    return {"requests": amounts, "limits": dict(amounts)}


def image_tag(measured_with: Fingerprint) -> str:
    """The tag of the measured Triton container, or the oldest one that has the arguments used here."""
    found = re.fullmatch(r"2\.(\d+)\.\d+", measured_with.runtime_version or "")
    minor = int(found[1]) if found and measured_with.runtime == "triton" else 0
    if not FIRST_MINOR <= minor <= LAST_MINOR:
        return OLDEST_TAG
    years, month = divmod(minor - MINOR_BEFORE_2024 - 1, 12)
    return f"{24 + years}.{month + 1:02}-py3"


def inference_service(one: VariantOnTarget, model: Mapping[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    """The InferenceService of one variant with the predictor `model`; its annotations have its known figures."""
    names = {"variant": one.name, "task": one.published.task, "target": one.profile.target_name}
    figures = {
        "validation-accuracy-share": one.value("accuracy"),
        "max-images-per-s": one.value("images_per_s"),
        "max-images-per-s-verdict": one.standing.verdict,
        "others-share": one.standing.others_share,
        "latency-batch-1-p50-ms": one.value("p50_ms"),
        "load-ms": one.value("load_ms"),
        "peak-memory-bytes": one.peak_bytes(),
        "cores": one.profile.target.cores,
        "onnx-sha256": one.details.onnx_sha256,
    }
    known = {f"dnn-porting/{name}": str(value) for name, value in figures.items() if value is not None}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": kubernetes_name(one.name),
            "labels": {f"dnn-porting/{key}": name for key, name in names.items()},
            "annotations": {**annotations, **known},
        },
        "spec": {"predictor": {"model": dict(model)}},
    }


def manifest(comments: Sequence[str], document: Mapping[str, Any]) -> str:
    """The document as YAML below the comments."""
    body = str(yaml.safe_dump(document, sort_keys=False, width=LINE_WIDTH))
    return "".join(f"# {' '.join(line.split())}\n" for line in comments) + body
