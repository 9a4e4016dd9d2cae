"""The work of the stage import: makes a variant of a file."""

from pathlib import Path

from onnx import ModelProto, TensorProto

from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.jobs.new_variant import VariantContent, make_variant, recipe_of
from porting.networks.foreign import load_checkpoint
from porting.networks.store import build_backbone, save_network
from porting.onnx_files.foreign_program import export_foreign
from porting.repository.schema import Precision
from porting.stages.export_work import describe_file
from porting.stages.import_model import kind_of, model_file
from porting.workspace.records import Variant
from porting.workspace.workspace import ONNX, PROGRAM
from profiler.common.errors import BadInputError
from profiler.common.files import copied
from profiler.graph.read import read_onnx, standard_opset
from profiler.runtimes.session import input_tensor, open_session, output_tensor
from profiler.trial.onnx_file import try_onnx


def run(context: Context, job: Job) -> Variant:
    """The file as a new variant, after a check of its digest against the recipe."""
    path, recipe = model_file(context), recipe_of(job)
    kind, digest = kind_of(path), str(recipe.ingredients["file"])

    def make(folder: Path, _: str) -> VariantContent:
        if kind == "onnx":
            copied(path, folder / ONNX, "give a complete .onnx file", digest)
            return import_onnx(context, path, folder, recipe.key())
        if kind == "torchscript":
            copied(path, folder / PROGRAM, "give a TorchScript file", digest)
            return import_torchscript(context, path, folder, recipe.key())
        return import_checkpoint(context, path, folder, digest)

    return make_variant(context, job, make)


def import_onnx(context: Context, path: Path, folder: Path, key: str) -> VariantContent:
    """The unchanged copy of an ONNX file, after the checks that it can be served and fits the data."""
    copy = folder / ONNX
    try_onnx(copy, context.data.input_shape[1:2] if context.data else (), name=path)
    file = read_onnx(copy)
    check_fits_data(context, copy, path)
    return VariantContent(onnx=describe_file(context, copy, key, standard_opset(file), precision_of(file)))


def precision_of(file: ModelProto) -> Precision:
    """The precision of a file: int8 with quantised tensors, fp16 with weights of 16 bits, else fp32."""
    if any(node.op_type == "QuantizeLinear" for node in file.graph.node):
        return "int8"
    return "fp16" if any(one.data_type == TensorProto.FLOAT16 for one in file.graph.initializer) else "fp32"


def import_torchscript(context: Context, path: Path, folder: Path, key: str) -> VariantContent:
    """The program exported to ONNX, and its copy where all its operators only compute. It has no backbone to prune."""
    settings, copy = context.settings.export, folder / PROGRAM
    why_not = export_foreign(copy, folder / ONNX, shape_of_input(context), settings, name=path)
    if why_not:
        copy.unlink()
    program = None if why_not else copy
    return VariantContent(onnx=describe_file(context, folder / ONNX, key, settings.opset, "fp32", program, why_not))


def import_checkpoint(context: Context, path: Path, folder: Path, digest: str) -> VariantContent:
    """The checkpoint in the backbone of the settings; later stages treat it as a trained network."""
    shape, settings = shape_of_input(context), context.settings
    classes = len(context.data.labels) if context.data else settings.import_.num_classes
    if classes is None:
        raise BadInputError("a checkpoint needs a datamodule, or import.num_classes=N")
    model = build_backbone(settings.backbone, shape[0], classes)
    load_checkpoint(path, model, digest)
    return VariantContent(network=save_network(model, folder, settings.backbone, classes, shape))


def shape_of_input(context: Context) -> tuple[int, int, int]:
    """The input shape (C, H, W) of the data, or else of the settings."""
    shape = context.data.input_shape if context.data else context.settings.import_.input_shape
    if shape is None:
        raise BadInputError(
            "this file does not contain its input shape: choose a datamodule, or import.input_shape=[C,H,W]"
        )
    return shape


def check_fits_data(context: Context, copy: Path, path: Path) -> None:
    """Raises `BadInputError` where the data have another shape than the input of the file from `path`."""
    if context.data is None:
        return
    session = open_session(copy, threads=1)
    tensor, classes = input_tensor(session), output_tensor(session).shape
    name, due = context.data.name, context.data.input_shape
    if tensor.shape != due:
        raise BadInputError(
            f"{path} takes input of shape {list(tensor.shape)} and datamodule {name} gives {list(due)}: "
            "choose another datamodule, or datamodule=none"
        )
    if classes != (len(context.data.labels),):
        raise BadInputError(
            f"{path} answers {list(classes)} values and datamodule {name} has {len(context.data.labels)} classes: "
            "choose another datamodule, or datamodule=none"
        )
