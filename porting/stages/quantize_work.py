"""How stage quantize makes the sibling of an fp32 file."""

from pathlib import Path
from typing import cast

import numpy as np
import onnx
from pydantic import JsonValue

from porting.common.console import say
from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.jobs.new_variant import Made, made_by, recipe_of
from porting.onnx_files.quantization.candidate import Candidate
from porting.onnx_files.quantization.choose import choose
from porting.onnx_files.quantization.form import Form, Scheme
from porting.onnx_files.quantization.half import write_fp16
from porting.onnx_files.quantization.original import Original
from porting.onnx_files.quantization.result import write_chosen
from porting.repository.schema import Precision, ValidOn
from porting.stages.export_work import describe_file
from porting.stages.quantize import FP16
from porting.workspace.records import Variant
from porting.workspace.workspace import ONNX
from profiler.common.scratch import scratch


def run(context: Context, job: Job) -> Variant:
    """The sibling in the precision of the job."""
    recipe, variant = recipe_of(job), context.variant(job.inputs[0])

    def make(folder: Path, _: str) -> Made:
        context.workspace.check_files(variant)
        path = folder / ONNX
        if recipe.label == FP16:
            write_fp16(context.workspace.folder(variant) / ONNX, path)
            chosen: dict[str, JsonValue] = {}
            valid_on: ValidOn = "gpu"
        else:
            form = Form(cast("Scheme", recipe.settings["scheme"]), bool(recipe.settings["reduce_range"]))
            chosen = write_int8(context, variant, form, path)
            valid_on = "any" if form.reduce_range else "exact int8"
        opset = next(entry.version for entry in onnx.load(path).opset_import if entry.domain == "")
        precision = cast("Precision", recipe.label.partition("-")[0])
        return Made(onnx=describe_file(context, path, recipe.key(), opset, precision, valid_on=valid_on), chosen=chosen)

    return made_by(context, job, make)


def write_int8(context: Context, variant: Variant, form: Form, path: Path) -> dict[str, JsonValue]:
    """Writes the best candidate; what was chosen is returned."""
    settings = context.settings.quantize
    original = context.once(f"original {variant.name}", lambda: original_of(context, variant))
    chosen = choose(original, form, settings.calibrations, settings.max_loss, context.progress)
    say_what_is_lost(variant, chosen, settings.max_loss)
    return write_chosen(chosen, path)


def original_of(context: Context, variant: Variant) -> Original:
    """The fp32 file that int8 siblings are made of; the calibration images are the same for all files."""
    data, count = context.needed_data("quantize"), context.settings.quantize.calibration_images
    temporary = context.once("folder", lambda: context.stack.enter_context(scratch("quantize")).folder)

    def images() -> list[np.ndarray]:
        return context.once("images", lambda: [batch.numpy() for batch, _ in data.training_images(count)])

    return Original(context.workspace.folder(variant) / ONNX, data, images, temporary / variant.name)


def say_what_is_lost(variant: Variant, chosen: Candidate, max_loss: float) -> None:
    """Prints a line where even the best candidate loses more than was allowed."""
    if not chosen.good(max_loss):
        say(
            f"quantize  {chosen.form.scheme} of {variant.name} loses {chosen.loss:.4f} of validation accuracy with "
            f"{len(chosen.fp32_nodes)} nodes in fp32, the best tried: quantize.max_loss={max_loss:g} is not met"
        )
