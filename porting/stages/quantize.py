"""quantize: int8 and fp16 siblings of every fp32 file; all stay, and measurement decides between them."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import onnx
from pydantic import JsonValue

from porting.common.console import say
from porting.jobs.context import Context, Job
from porting.jobs.recipe import Made, Recipe, derive
from porting.onnx_files.quantization.candidate import Candidate
from porting.onnx_files.quantization.choose import choose
from porting.onnx_files.quantization.form import Form
from porting.onnx_files.quantization.half import write_fp16
from porting.onnx_files.quantization.original import Original
from porting.onnx_files.quantization.processor import form_here
from porting.onnx_files.quantization.result import write_chosen
from porting.repository.schema import Precision, ValidOn
from porting.stages.export import describe_file
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import ONNX
from profiler.common.scratch import scratch

PACKAGES = ("onnx", "onnxruntime")


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """For each variant with an fp32 file one for every scheme, calibrated on training images, and one for fp16."""
    settings, data = context.settings.quantize, context.needed_data("quantize")
    temporary = context.stack.enter_context(scratch("quantize")).folder

    @cache
    def images() -> list[np.ndarray]:
        return [batch.numpy() for batch, _ in data.training_images(settings.calibration_images)]

    found = []
    for variant in pool:
        if variant.onnx is not None and variant.onnx.precision == "fp32":
            source = context.workspace.folder(variant) / ONNX
            original = Original(source, data, images, temporary / variant.name)
            found += [int8_job(context, variant, variant.onnx, original, form_here(one)) for one in settings.schemes]
            found += [fp16_job(context, variant, variant.onnx)] if settings.fp16 else []
    return found


def int8_job(context: Context, variant: Variant, file: OnnxFile, original: Original, form: Form) -> Job:
    """The sibling of one file in one scheme."""
    settings = context.settings.quantize
    values: dict[str, JsonValue] = {
        "scheme": form.scheme,
        "reduce_range": form.reduce_range,
        "calibrations": list(settings.calibrations),
        "calibration_images": settings.calibration_images,
        "max_loss": settings.max_loss,
    }

    def write(path: Path) -> dict[str, JsonValue]:
        chosen = choose(original, form, settings.calibrations, settings.max_loss, context.progress)
        say_what_is_lost(variant, chosen, settings.max_loss)
        return write_chosen(chosen, path)

    valid_on: ValidOn = "any" if form.reduce_range else "exact int8"
    return sibling(context, variant, file, f"int8-{form.scheme}", values, valid_on, write)


def say_what_is_lost(variant: Variant, chosen: Candidate, max_loss: float) -> None:
    """One line where even the best candidate loses more than was allowed."""
    if not chosen.good(max_loss):
        say(
            f"quantize  {chosen.form.scheme} of {variant.name} loses {chosen.loss:.4f} of validation accuracy with "
            f"{len(chosen.fp32_nodes)} nodes in fp32, the best tried: quantize.max_loss={max_loss:g} is not met"
        )


def fp16_job(context: Context, variant: Variant, file: OnnxFile) -> Job:
    """The sibling of one file in half precision."""

    def write(path: Path) -> dict[str, JsonValue]:
        write_fp16(context.workspace.folder(variant) / ONNX, path)
        return {}

    return sibling(context, variant, file, "fp16", {}, "gpu", write)


def sibling(
    context: Context,
    variant: Variant,
    file: OnnxFile,
    label: str,
    values: dict[str, JsonValue],
    valid_on: ValidOn,
    write: Callable[[Path], dict[str, JsonValue]],
) -> Job:
    """The job for a file of another precision; `write` makes it and tells what it chose."""

    def make(folder: Path, _: str) -> Made:
        context.workspace.check_files(variant)
        path = folder / ONNX
        chosen = write(path)
        opset = next(entry.version for entry in onnx.load(path).opset_import if entry.domain == "")
        precision = cast("Precision", label.partition("-")[0])
        return Made(onnx=describe_file(context, path, recipe.key(), opset, precision, valid_on=valid_on), chosen=chosen)

    recipe = Recipe(
        stage="quantize",
        label=label,
        parent=variant,
        settings=values,
        ingredients={"file": file.sha256, "data": context.needed_data("quantize").recipe},
        packages=PACKAGES,
    )
    return derive(context, recipe, make)
