"""Stages that take milliseconds in the place of the real ones; all around them, and the training, is real."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from made_repository import profile as made_up
from support import CLASSES, SIZE, write_network

from datamodules.digits import Digits
from datamodules.pictures import Images
from datamodules.splits import Split
from porting.jobs.context import Context, Job
from porting.jobs.recipe import Made, Recipe, derive
from porting.repository.schema import Accuracy, Precision, TensorSpec
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import EXAMPLE, MANIFEST, ONNX, PREDICTIONS, PROGRAM, WEIGHTS
from profiler.common.files import packed, sha256, write_atomically

PARTS = 3


class FewestDigits(Digits):
    """Two batches of them to train on."""

    def load(self) -> dict[Split, Images]:
        return {name: images.subset(range(0, len(images), 10)) for name, images in super().load().items()}


def recipe(stage: str, label: str, parent: Variant) -> Recipe:
    return Recipe(stage=stage, label=label, parent=parent, settings={}, ingredients={}, packages=())


def copied(context: Context, stage: str, label: str, parent: Variant) -> Job:
    """The same network under another name."""

    def make(folder: Path, _: str) -> Made:
        for name in (WEIGHTS, MANIFEST):
            shutil.copy(context.workspace.folder(parent) / name, folder / name)
        return Made(network=parent.network, history=tuple(parent.history))

    return derive(context, recipe(stage, label, parent), make)


def prune(context: Context, pool: Sequence[Variant]) -> list[Job]:
    return [copied(context, "prune", label, one) for one in pool if one.stage == "train" for label in ("half", "third")]


def finetune(context: Context, pool: Sequence[Variant]) -> list[Job]:
    return [copied(context, "finetune", "tuned", one) for one in pool if one.stage == "prune"]


def number(key: str) -> float:
    """Between 0 and 1, from a recipe's key."""
    return int(key[:6], 16) / 0xFFFFFF


def onnx_file(path: Path, key: str, precision: Precision) -> OnnxFile:
    write_network(path, bias=number(key))
    write_atomically(path.parent / PREDICTIONS, packed({EXAMPLE: np.full((1, SIZE, SIZE), number(key), np.float32)}))
    value = 0.5 + number(key) / 3
    accuracy = {"dataset": "digits", "dataset_sha256": "0" * 64, "n": 1000, "value": value}
    splits = [Accuracy(split=one, low=value - 0.01, high=value + 0.01, **accuracy) for one in ("val", "test")]
    return OnnxFile(
        key=key,
        sha256=sha256(path),
        program_sha256=None,
        opset=20,
        precision=precision,
        input=TensorSpec(name="input", shape=[1, SIZE, SIZE]),
        output=TensorSpec(name="logits", shape=[CLASSES]),
        validation_accuracy=splits[0],
        test_accuracy=splits[1],
        reasons={"program_sha256": "a stand-in has none"},
    )


def export(context: Context, pool: Sequence[Variant]) -> list[Job]:
    def job(variant: Variant) -> Job:
        def run() -> Variant:
            folder = context.workspace.folder(variant)
            with context.workspace.replacing(folder / ONNX, folder / PROGRAM) as (path, _):
                file = onnx_file(path, variant.key, "fp32")
            reasons = {name: why for name, why in variant.reasons.items() if name != "onnx"}
            return context.workspace.record(Variant.model_validate({**dict(variant), "onnx": file, "reasons": reasons}))

        return Job(title=f"export {variant.name}", reuse=lambda: variant if variant.onnx else None, run=run)

    return [job(one) for one in pool if one.network is not None and one.stage != "prune"]


def quantize(context: Context, pool: Sequence[Variant]) -> list[Job]:
    def job(parent: Variant) -> Job:
        todo = recipe("quantize", "int8", parent)
        return derive(context, todo, lambda folder, _: Made(onnx=onnx_file(folder / ONNX, todo.key(), "int8")))

    return [job(one) for one in pool if one.network is not None and one.onnx is not None]


def profile(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """Grows in parts, as a real one does."""

    def job(variant: Variant, file: OnnxFile) -> Job:
        whole = made_up(200 + 800 * number(variant.key), onnx_sha256=file.sha256, seconds=1.0)

        def reuse() -> Variant | None:
            return variant if context.workspace.profiles(variant).get("local_cpu") == whole else None

        def run() -> Variant:
            files = context.workspace.profile_files(variant, "local_cpu")
            for part in range(PARTS):
                growing = whole.model_copy(update={"latency": whole.latency[: part + 1]})
                done = part == PARTS - 1
                files.write(whole if done else growing, {f"part-{part}": np.arange(part + 1)})
            return variant

        return Job(title=f"profile {variant.name}", reuse=reuse, run=run)

    return [job(one, one.onnx) for one in pool if one.onnx is not None]


def take_the_places() -> None:
    """Puts them where the pipeline looks for its stages."""
    for jobs in (prune, finetune, export, quantize, profile):
        sys.modules[f"porting.stages.{jobs.__name__}"] = SimpleNamespace(jobs=jobs)  # type: ignore[assignment]
