"""The stage quantize: int8 and fp16 siblings of every fp32 file, between which measurements decide."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import onnx
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import convert_float_to_float16
from pydantic import JsonValue

from porting.common.console import say
from porting.jobs.context import Context
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import VariantContent, job_of, make_variant, recipe_of, reused
from porting.onnx_files.quantization.choose import choose
from porting.onnx_files.quantization.fp32_file import Fp32File
from porting.onnx_files.quantization.int8_candidate import Int8Candidate
from porting.onnx_files.quantization.int8_format import Int8Format, Scheme, int8_format_here
from porting.repository.schema import Precision, ValidOn
from porting.stages.export import describe_file
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import ONNX
from profiler.common.scratch import scratch

PACKAGES = ("onnx", "onnxruntime")
FP16 = "fp16"


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One job for each fp32 file and scheme, calibrated on training images, and one for fp16."""
    settings = context.settings.quantize
    context.needed_data("quantize")
    found = []
    for variant in pool:
        if variant.onnx is not None and variant.onnx.precision == "fp32":
            found += [int8_job(context, variant, variant.onnx, int8_format_here(one)) for one in settings.schemes]
            found += [sibling(context, variant, variant.onnx, FP16, {})] if settings.fp16 else []
    return found


def int8_job(context: Context, variant: Variant, file: OnnxFile, int8: Int8Format) -> Job:
    """The job for the sibling of one file in one scheme."""
    settings = context.settings.quantize
    values: dict[str, JsonValue] = {
        "scheme": int8.scheme,
        "reduce_range": int8.reduce_range,
        "calibrations": list(settings.calibrations),
        "calibration_images": settings.calibration_images,
        "max_loss": settings.max_loss,
    }
    return sibling(context, variant, file, f"int8-{int8.scheme}", values)


def sibling(context: Context, variant: Variant, file: OnnxFile, label: str, settings: dict[str, JsonValue]) -> Job:
    """The job for a file of another precision."""
    ingredients: dict[str, JsonValue] = {"file": file.sha256, "data": context.needed_data("quantize").recipe}
    recipe = Recipe.of("quantize", label, variant, settings, ingredients, PACKAGES)
    return job_of(context, recipe, variant, variant.backbone)


reuse = reused


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
    # The casts of input and output stand at the end of the graph, where the specification does not allow them.
    converted.topological_sort()
    onnx.save(converted.model, destination)


def write_int8(context: Context, variant: Variant, int8: Int8Format, path: Path) -> dict[str, JsonValue]:
    """Writes the best candidate, and returns the choices that made it."""
    settings = context.settings.quantize
    fp32_file = context.once(f"fp32_file {variant.name}", lambda: fp32_file_of(context, variant))
    chosen = choose(fp32_file, int8, settings.calibrations, settings.max_loss, context.progress)
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
