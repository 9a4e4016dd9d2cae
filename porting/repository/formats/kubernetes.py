"""The parts of every Kubernetes manifest: names, quantities, images, labels, and YAML with comments."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.target import ON_GPU, Target
from profiler.records.complexity import Fingerprint

MEBIBYTE, LINE_WIDTH = 1 << 20, 1000
# KServe appends "-predictor" to a name, and the name of a service has at most 63 characters.
LONGEST_NAME = 63 - len("-predictor")
KEY_LENGTH = len("-00000000")
# Triton 2.46 is the container of May 2024, the first with --model-config-name. A minor version a month follows until
# 2.59. https://docs.nvidia.com/deeplearning/triton-inference-server/release-notes
FIRST_MINOR, LAST_MINOR, MINOR_BEFORE_2024 = 46, 59, 41
OLDEST_TAG = "24.05-py3"


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


def labels(one: VariantOnTarget) -> dict[str, str]:
    """The labels with the names of variant, task and target."""
    names = {"variant": one.name, "task": one.published.task, "target": one.profile.target_name}
    return {f"dnn-porting/{key}": name for key, name in names.items()}


def figures(one: VariantOnTarget) -> dict[str, str]:
    """The known figures as annotations, with units in their names."""
    found = {
        "validation-accuracy-share": one.value("accuracy"),
        "max-images-per-s": one.value("images_per_s"),
        "latency-batch-1-p50-ms": one.value("p50_ms"),
        "load-ms": one.value("load_ms"),
        "peak-memory-bytes": one.peak_bytes(),
        "cores": one.profile.target.cores,
        "onnx-sha256": one.details.onnx_sha256,
    }
    return {f"dnn-porting/{name}": str(value) for name, value in found.items() if value is not None}


def inference_service(one: VariantOnTarget, model: Mapping[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    """The InferenceService (serving.kserve.io/v1beta1) of one variant with the predictor `model`."""
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": kubernetes_name(one.name),
            "labels": labels(one),
            "annotations": {**annotations, **figures(one)},
        },
        "spec": {"predictor": {"model": dict(model)}},
    }


def manifest(comments: Sequence[str], documents: Sequence[Mapping[str, Any]]) -> str:
    """The documents as YAML below the comments."""
    body = str(yaml.safe_dump_all(documents, sort_keys=False, width=LINE_WIDTH))
    return "".join(f"# {' '.join(line.split())}\n" for line in comments) + body
