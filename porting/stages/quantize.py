"""quantize: an int8 sibling of every fp32 file; both stay, and measurement decides between them."""

from collections.abc import Sequence
from pathlib import Path

import onnx

from porting.context import Context, Job, section_values
from porting.derive import Made, Recipe, derive
from porting.onnx_files.quantize import quantize_file
from porting.records import OnnxFile, Variant
from porting.stages.export import describe_file
from porting.workspace import ONNX

PACKAGES = ("onnx", "onnxruntime")
LABEL = "int8"


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One for each variant with an fp32 file, calibrated on training images."""
    return [
        job(context, variant, variant.onnx)
        for variant in pool
        if variant.onnx is not None and variant.onnx.precision == "fp32"
    ]


def job(context: Context, variant: Variant, file: OnnxFile) -> Job:
    """The sibling of one file."""
    settings, data = context.settings.quantize, context.needed_data("quantize")

    def make(folder: Path, _: str) -> Made:
        context.workspace.check_files(variant)
        images = [batch.numpy() for batch, _ in data.training_images(settings.calibration_images)]
        path = folder / ONNX
        quantize_file(context.workspace.folder(variant) / ONNX, path, images, settings)
        opset = next(entry.version for entry in onnx.load(path).opset_import if entry.domain == "")
        return Made(onnx=describe_file(context, path, recipe.key(), opset, "int8"))

    recipe = Recipe(
        stage="quantize",
        label=LABEL,
        parent=variant,
        settings=section_values(settings),
        ingredients={"file": file.sha256, "data": data.recipe},
        packages=PACKAGES,
    )
    return derive(context, recipe, make)
