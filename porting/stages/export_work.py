"""The work of the stage export: the files of a network, and the record of any ONNX file."""

from pathlib import Path

from pydantic import ValidationError
from torch import nn

from porting.configuration.settings import ExportSettings
from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.networks.program import write_program
from porting.networks.store import input_shape, load_network
from porting.onnx_files.evaluate import Evaluation, evaluate
from porting.onnx_files.onnx_export import export_network, other_shapes
from porting.repository.schema import Precision, TensorSpec, ValidOn
from porting.stages.pruned_variants import network_of
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import ONNX, PROGRAM
from profiler.common.errors import DnnPortingError, ModelError
from profiler.common.files import sha256
from profiler.common.target import Tensor
from profiler.runtimes.session import input_tensor, open_session, output_tensor

NO_ACCURACY = "no datamodule was given to measure it on"
ONNX_ONLY = "it exists as an ONNX file only"


def run(context: Context, job: Job) -> Variant:
    """The variant with its ONNX file and, where torch can trace it, its torch program."""
    variant = context.variant(job.variant)
    folder, settings = context.workspace.folder(variant), context.settings.export
    with context.workspace.replacing(folder / ONNX, folder / PROGRAM) as (path, program):
        model, shape = load_network(network_of(variant), folder, context.settings.backbone), input_shape(folder)
        export_network(model, path, shape, settings)
        why_not = try_program(model, program, shape, settings)
        key = str(job.values["key"])
        file = describe_file(context, path, key, settings.opset, "fp32", None if why_not else program, why_not)
        if variant.onnx is not None:
            # A process that is killed between the replacements must leave no record of replaced files.
            context.workspace.record(with_file(variant, None))
    return context.workspace.record(with_file(variant, file))


def try_program(model: nn.Module, path: Path, shape: tuple[int, int, int], settings: ExportSettings) -> str:
    """Writes the torch program; returns the reason where that fails, as the ONNX file suffices."""
    try:
        write_program(model, path, shape, settings.tolerance, other_shapes(shape, settings.open_axes))
    except DnnPortingError as error:
        path.unlink(missing_ok=True)
        return str(error)
    return ""


def with_file(variant: Variant, file: OnnxFile | None) -> Variant:
    """The variant with this file on record."""
    reasons = {name: reason for name, reason in variant.reasons.items() if name != "onnx"}
    if file is None:
        reasons["onnx"] = "it is being exported"
    return Variant.model_validate({**dict(variant), "onnx": file, "reasons": reasons})


def describe_file(
    context: Context,
    path: Path,
    key: str,
    opset: int,
    precision: Precision,
    program: Path | None = None,
    why_no_program: str = ONNX_ONLY,
    valid_on: ValidOn = "any",
) -> OnnxFile:
    """The record of an ONNX file and of its torch program; the accuracy is measured where there are data."""
    session = open_session(path, threads=1)
    source, sink = input_tensor(session), output_tensor(session)
    found = evaluate(path, context.data) if context.data else Evaluation({}, {}, {})
    unknown = {} if found.accuracy else dict.fromkeys(("validation_accuracy", "test_accuracy"), NO_ACCURACY)
    unknown |= {} if program else {"program_sha256": why_no_program}
    return OnnxFile(
        key=key,
        sha256=sha256(path),
        program_sha256=sha256(program) if program else None,
        opset=opset,
        precision=precision,
        valid_on=valid_on,
        input=tensor_spec(source),
        output=tensor_spec(sink),
        validation_accuracy=found.accuracy.get("val"),
        test_accuracy=found.accuracy.get("test"),
        flags=found.flags,
        by_class=list(found.by_class.values()),
        reasons=unknown,
    )


def tensor_spec(tensor: Tensor) -> TensorSpec:
    """A tensor as the repository describes it; raises `ModelError` where the schema does not allow it."""
    try:
        return TensorSpec(name=tensor.name, shape=list(tensor.shape))
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"]
        raise ModelError(f"tensor {tensor.name[:64]!r} of shape {tensor.shape} cannot be served: {why}") from error
