"""The stage quantize: int8 and fp16 siblings of every fp32 file, between which measurements decide."""

from collections.abc import Sequence

from pydantic import JsonValue

from porting.jobs.context import Context
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import job_of, reused
from porting.onnx_files.quantization.int8_format import Int8Format, int8_format_here
from porting.workspace.records import OnnxFile, Variant

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
