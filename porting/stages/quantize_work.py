"""The work of the stage quantize: makes the sibling of an fp32 file."""

from pathlib import Path
from typing import cast

import numpy as np
import onnx
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import convert_float_to_float16
from pydantic import JsonValue

from porting.common.console import say
from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.jobs.new_variant import VariantContent, make_variant, recipe_of
from porting.onnx_files.quantization.choose import choose
from porting.onnx_files.quantization.fp32_file import Fp32File
from porting.onnx_files.quantization.int8_candidate import Int8Candidate
from porting.onnx_files.quantization.int8_format import Int8Format, Scheme
from porting.repository.schema import Precision, ValidOn
from porting.stages.export_work import describe_file
from porting.stages.quantize import FP16
from porting.workspace.records import Variant
from porting.workspace.workspace import ONNX
from profiler.common.scratch import scratch


def run(context: Context, job: Job) -> Variant:
    """The sibling in the precision of the job."""
    recipe, variant = recipe_of(job), context.variant(job.inputs[0])

    def make(folder: Path, _: str) -> VariantContent:
        context.workspace.check_files(variant)
        path = folder / ONNX
        if recipe.label == FP16:
            write_fp16(context.workspace.folder(variant) / ONNX, path)
            chosen: dict[str, JsonValue] = {}
            valid_on: ValidOn = "gpu"
        else:
            int8 = Int8Format(cast("Scheme", recipe.settings["scheme"]), bool(recipe.settings["reduce_range"]))
            chosen = write_int8(context, variant, int8, path)
            valid_on = "any" if int8.reduce_range else "exact int8"
        opset = next(entry.version for entry in onnx.load(path).opset_import if entry.domain == "")
        precision = cast("Precision", recipe.label.partition("-")[0])
        return VariantContent(
            onnx=describe_file(context, path, recipe.key(), opset, precision, valid_on=valid_on), chosen=chosen
        )

    return make_variant(context, job, make)


def write_fp16(source: Path, destination: Path) -> None:
    """Writes the fp16 sibling of an fp32 file; its input and output stay float32."""
    converted = ONNXModel(convert_float_to_float16(onnx.load(source), keep_io_types=True))
    # The specification does not allow the casts of input and output at the end of the graph, where they are.
    converted.topological_sort()
    onnx.save(converted.model, destination)


def write_int8(context: Context, variant: Variant, int8: Int8Format, path: Path) -> dict[str, JsonValue]:
    """Writes the best candidate, and returns the choices that made it."""
    settings = context.settings.quantize
    original = context.once(f"original {variant.name}", lambda: fp32_file_of(context, variant))
    chosen = choose(original, int8, settings.calibrations, settings.max_loss)
    warn_of_lost_accuracy(variant, chosen, settings.max_loss)
    return chosen.save(path)


def fp32_file_of(context: Context, variant: Variant) -> Fp32File:
    """The fp32 file of a variant; all files share the calibration images."""
    data, count = context.needed_data("quantize"), context.settings.quantize.calibration_images
    temporary = context.once("folder", lambda: context.stack.enter_context(scratch("quantize")).folder)

    def images() -> list[np.ndarray]:
        return context.once("images", lambda: [batch.numpy() for batch, _ in data.training_images(count)])

    return Fp32File(context.workspace.folder(variant) / ONNX, data, images, temporary / variant.name)


def warn_of_lost_accuracy(variant: Variant, chosen: Int8Candidate, max_loss: float) -> None:
    """Prints a line where the best candidate loses more than `max_loss`."""
    if not chosen.good(max_loss):
        say(
            f"quantize  {chosen.int8.scheme} of {variant.name} loses {chosen.loss:.4f} of validation accuracy with "
            f"{len(chosen.fp32_nodes)} nodes in fp32, the best tried: quantize.max_loss={max_loss:g} is not met"
        )
