"""A made-up profile that has a point of every kind, and the repository items around it."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from made_points import partly, points
from pydantic import JsonValue

from porting.repository.publishing.offers import Offer
from porting.repository.schema import Accuracy, Details, TensorSpec
from profiler.analysis.fits import fitted
from profiler.common.target import Target
from profiler.records.base import Missing, NormalRate
from profiler.records.complexity import Complexity, Fingerprint
from profiler.records.profile import PartState, Profile

# Of an ONNX file of nothing.
SHA256 = hashlib.sha256(b"").hexdigest()


def blank_profile(**changes: Any) -> Profile:
    """A quick profile without a point."""
    values: dict[str, Any] = {
        "key": SHA256, "level": "quick", "target_name": "local_cpu", "target": Target(), "fingerprint": fingerprint(),
        "onnx_sha256": SHA256, "complexity": Complexity(parameters=9, macs=5, flops=10, file_bytes=4096), "layers": (),
        "reference": normal_rate(100.0), "served_reference": normal_rate(80.0),
        "measured_at": datetime(2024, 1, 1, tzinfo=UTC), "seconds": 212.0,
    }  # fmt: skip
    return Profile(**values | changes)


def normal_rate(per_s: float) -> NormalRate:
    return NormalRate(per_s=per_s, readings=30, standard_error_share=0.003, drift_sd_share=0.02)


def full_profile(**changes: Any) -> Profile:
    """A profile with every kind of point, its fits, and one point that could not be had."""
    parts = ("latency", "layers", "throughput", "warm_up", "memory", "sizes", "capacity", "dynamic_batching",
             "scaling", "contention", "repeats", "visits")  # fmt: skip
    at: dict[str, JsonValue] = {"runtime": "triton", "page_cache": "cold"}
    missing = Missing(
        part="memory", point="LargestBatch", at=at, verdict="out of budget", reason="3.0 s were left",
        setting="profile.budget_s=320",
    )  # fmt: skip
    states = tuple(PartState(name=name, settings={}, seconds=9.0, finished=True) for name in parts)
    values: dict[str, Any] = {"level": "full", "parts": states, "missing": (missing,)}
    return fitted(blank_profile(**values | points() | changes))


def fingerprint() -> Fingerprint:
    return Fingerprint(
        cpu_model="a processor", cpu_cores=2, memory_bytes=1 << 32, gpu_models=[], system="Linux", runtime="triton",
        runtime_version="2.51.0", backend_kind="python", onnxruntime_version="1.31.1", cores=1, threads=1, instances=1,
        providers=["cpu"],
    )  # fmt: skip


def item(name: str, profile: Profile, folder: Path, accuracy: float = 0.9, **changes: Any) -> Offer:
    """A variant as it is offered for publication, with an ONNX file of nothing."""
    path = folder / f"{name}.onnx"
    path.write_bytes(b"")
    validation = Accuracy(
        dataset="digits", dataset_sha256=SHA256, split="val", n=1000,
        value=accuracy, low=accuracy - 0.01, high=accuracy + 0.01,
    )  # fmt: skip
    usual: dict[str, Any] = {
        "name": name, "task": "digits", "backbone": "resnet8", "precision": "fp32", "onnx_sha256": SHA256, "opset": 20,
        "input": TensorSpec(name="input", shape=[1, 32, 32]), "output": TensorSpec(name="logits", shape=[10]),
        "validation_accuracy": validation, "lineage": [], "profiles": {profile.target_name: profile},
    }  # fmt: skip
    return Offer(partly(Details, **usual | changes), None, [], path)
