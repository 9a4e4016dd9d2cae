"""The stage import: an existing network as an ONNX file, a TorchScript file or a torch checkpoint."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from onnx import ModelProto, TensorProto

from porting.jobs.context import Context, section_values
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import VariantContent, job_of, make_variant, recipe_of, reused
from porting.networks.foreign import Kind, load_checkpoint
from porting.networks.store import build_backbone, save_network
from porting.networks.weights import weights_file
from porting.onnx_files.foreign_program import export_foreign
from porting.repository.schema import Precision
from porting.stages.export import describe_file
from porting.workspace.records import Variant
from porting.workspace.workspace import ONNX, PROGRAM
from profiler.common.door import DAMAGE, opened
from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import copied, sha256
from profiler.graph.read import read_onnx, standard_opset
from profiler.runtimes.session import input_tensor, open_session, output_tensor
from profiler.trial.onnx_file import file_bytes, try_onnx

PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")


def jobs(context: Context, _: Sequence[Variant]) -> list[Job]:
    """One job, for the file that `model=` names."""
    path, settings = model_file(context), context.settings
    # The size is checked before the digest reads the whole file.
    file_bytes(path)
    kind = kind_of(path)
    backbone = settings.backbone if kind == "checkpoint" else None
    recipe = Recipe.of(
        "import",
        "",
        None,
        settings.import_.model_dump(mode="json"),
        {
            "file": sha256(path),
            "backbone": backbone.recipe() if backbone else None,
            "data": context.data.recipe if context.data else None,
            "export": section_values(settings.export) if kind == "torchscript" else None,
        },
        PACKAGES,
    )
    return [job_of(context, recipe, None, backbone.name if backbone else "imported")]


reuse = reused


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


def model_file(context: Context) -> Path:
    """The file that `model=` names; raises `BadInputError` where there is none."""
    if context.settings.model is None:
        raise BadInputError("stage import needs model=FILE")
    return weights_file("model", context.settings.model)


def kind_of(path: Path) -> Kind:
    """The kind of a file, by its name and, for archives of torch, by the names of their entries."""
    if path.suffix == ".onnx":
        return "onnx"
    if path.suffix == ".safetensors":
        return "checkpoint"
    try:
        with opened(path, "give a network's file") as file, zipfile.ZipFile(file) as archive:
            names = [name.rpartition("/")[2] for name in archive.namelist()]
    except DAMAGE as error:
        raise ModelError(
            f"{path} is truncated or of an unknown kind: give a complete .onnx file, a TorchScript file, "
            "a checkpoint written by torch.save, or .safetensors"
        ) from error
    return "torchscript" if "constants.pkl" in names else "checkpoint"


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
            "this file does not say its input's shape: choose a datamodule, or import.input_shape=[C,H,W]"
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
