"""Stages of milliseconds in the place of the real ones; the rest of the pipeline and the training are real."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from made_repository import profile as made_up
from support import CLASSES, SIZE, write_network

from datamodules.digits import Digits
from datamodules.pictures import Images, Split
from porting.jobs.context import Context
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import VariantContent, job_of, make_variant, recipe_of, reused
from porting.repository.schema import Accuracy, Precision, TensorSpec
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import EXAMPLE, MANIFEST, ONNX, PREDICTIONS, PROGRAM, WEIGHTS
from profiler.common.archives import packed
from profiler.common.files import sha256, write_atomically
from profiler.records.profile import Profile

PARTS = 3


class FewestDigits(Digits):
    """The digits of two training batches."""

    def load(self) -> dict[Split, Images]:
        return {name: images.subset(range(0, len(images), 10)) for name, images in super().load().items()}


def new(context: Context, stage: str, label: str, parent: Variant) -> Job:
    """The job for a variant that follows from its parent alone."""
    return job_of(context, Recipe.of(stage, label, parent, {}, {}, ()), parent, parent.backbone)


def copied(context: Context, job: Job) -> Variant:
    """The same network under another name."""
    parent = context.variant(job.inputs[0])

    def make(folder: Path, _: str) -> VariantContent:
        for name in (WEIGHTS, MANIFEST):
            shutil.copy(context.workspace.folder(parent) / name, folder / name)
        return VariantContent(network=parent.network, history=tuple(parent.history))

    return make_variant(context, job, make)


def prune_jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    return [new(context, "prune", label, one) for one in pool if one.stage == "train" for label in ("half", "third")]


def finetune_jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    return [new(context, "finetune", "tuned", one) for one in pool if one.stage == "prune"]


def number(key: str) -> float:
    """A number between 0 and 1, from a recipe's key."""
    return int(key[:6], 16) / 0xFFFFFF


def onnx_file(path: Path, key: str, precision: Precision) -> OnnxFile:
    write_network(path, bias=number(key))
    write_atomically(path.parent / PREDICTIONS, packed({EXAMPLE: np.full((1, SIZE, SIZE), number(key), np.float32)}))
    value = 0.5 + number(key) / 3
    validation = Accuracy(
        dataset="digits", dataset_sha256="0" * 64, split="val", n=1000,
        value=value, low=value - 0.01, high=value + 0.01,
    )  # fmt: skip
    return OnnxFile(
        key=key,
        sha256=sha256(path),
        program_sha256=None,
        opset=20,
        precision=precision,
        input=TensorSpec(name="input", shape=[1, SIZE, SIZE]),
        output=TensorSpec(name="logits", shape=[CLASSES]),
        validation_accuracy=validation,
        test_accuracy=validation.model_copy(update={"split": "test"}),
        reasons={"program_sha256": "a stand-in has none"},
    )


def export_jobs(_: Context, pool: Sequence[Variant]) -> list[Job]:
    networks = [one for one in pool if one.network is not None and one.stage != "prune"]
    return [Job(stage="export", variant=one.name, inputs=[one.name]) for one in networks]


def exported(context: Context, job: Job) -> Variant | None:
    variant = context.variant(job.variant)
    return variant if variant.onnx else None


def export(context: Context, job: Job) -> Variant:
    variant = context.variant(job.variant)
    folder = context.workspace.folder(variant)
    with context.workspace.replacing(folder / ONNX, folder / PROGRAM) as (path, _):
        file = onnx_file(path, variant.key, "fp32")
    reasons = {name: why for name, why in variant.reasons.items() if name != "onnx"}
    return context.workspace.record(Variant.model_validate({**dict(variant), "onnx": file, "reasons": reasons}))


def quantize_jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    files = [one for one in pool if one.network is not None and one.onnx is not None]
    return [new(context, "quantize", "int8", one) for one in files]


def quantize(context: Context, job: Job) -> Variant:
    key = recipe_of(job).key()
    return make_variant(context, job, lambda folder, _: VariantContent(onnx=onnx_file(folder / ONNX, key, "int8")))


def profile_jobs(_: Context, pool: Sequence[Variant]) -> list[Job]:
    return [Job(stage="profile", variant=one.name, inputs=[one.name]) for one in pool if one.onnx is not None]


def whole(variant: Variant) -> Profile:
    """The complete profile of a variant."""
    sha256_ = variant.onnx.sha256 if variant.onnx else ""
    return made_up(200 + 800 * number(variant.key), onnx_sha256=sha256_, seconds=1.0)


def profiled(context: Context, job: Job) -> Variant | None:
    variant = context.variant(job.variant)
    return variant if context.workspace.profiles(variant).get("local_cpu") == whole(variant) else None


def profile(context: Context, job: Job) -> Variant:
    """Makes the profile in parts, as the real stage does."""
    variant = context.variant(job.variant)
    files, complete = context.workspace.profile_files(variant, "local_cpu"), whole(variant)
    for part in range(PARTS):
        growing = complete.model_copy(update={"latency": complete.latency[: part + 1]})
        files.write(complete if part == PARTS - 1 else growing, {f"part-{part}": np.arange(part + 1)})
    return variant


STAGES = {
    "prune": (prune_jobs, reused, copied),
    "finetune": (finetune_jobs, reused, copied),
    "export": (export_jobs, exported, export),
    "quantize": (quantize_jobs, reused, quantize),
    "profile": (profile_jobs, profiled, profile),
}


def take_the_places() -> None:
    """Puts the stand-ins into the modules of the stages and of their work."""
    for name, (jobs, reuse, run) in STAGES.items():
        listing, work = SimpleNamespace(jobs=jobs, reuse=reuse), SimpleNamespace(run=run)
        sys.modules[f"porting.stages.{name}"] = listing  # type: ignore[assignment]
        sys.modules[f"porting.stages.{name}_work"] = work  # type: ignore[assignment]
