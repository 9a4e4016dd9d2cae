"""The stage import: an existing network as an ONNX file, a TorchScript file or a torch checkpoint."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from porting.jobs.context import Context
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import job_of, reused
from porting.networks.weights_file import weights_file
from porting.workspace.records import Variant
from profiler.common.archives import DAMAGE
from profiler.common.door import opened
from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import sha256
from profiler.trial.onnx_file import file_bytes

Kind = Literal["onnx", "torchscript", "checkpoint"]
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
            "export": settings.export.model_dump(mode="json") if kind == "torchscript" else None,
        },
        PACKAGES,
    )
    return [job_of(context, recipe, None, backbone.name if backbone else "imported")]


reuse = reused


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
