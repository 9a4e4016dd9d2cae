"""The exported variants that a target can serve, and the reason for each one that it cannot."""

from collections.abc import Mapping, Sequence

from porting.common.console import say
from porting.onnx_files.quantization.int8_format import int8_format_here
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError
from profiler.common.target import Target

Exported = tuple[Variant, OnnxFile]
GPU_PROVIDERS = {"cuda", "tensorrt"}


def servable(targets: Mapping[str, Target], pool: Sequence[Variant]) -> dict[str, list[Exported]]:
    """The exported variants that each target serves; prints the reason for each that it does not.

    Raises `BadInputError` where no target serves any of the exported variants.
    """
    exported = [(variant, variant.onnx) for variant in pool if variant.onnx is not None]
    found = {
        name: [(variant, file) for variant, file in exported if not why_not(target, file)]
        for name, target in targets.items()
    }
    if exported and not any(found.values()):
        reasons = dict.fromkeys(why_not(target, file) for target in targets.values() for _, file in exported)
        raise BadInputError(
            f"target {', '.join(targets)} serves no exported variant ({'; '.join(reasons)}): "
            "take runtime=triton or onnxruntime, or import TorchScript or a checkpoint"
        )
    for name, served in found.items():
        for variant, file in exported:
            if (variant, file) not in served:
                say(f"profile   {variant.name} is left out on {name}: {why_not(targets[name], file)}")
    return found


def why_not(target: Target, file: OnnxFile) -> str:
    """The reason why a target on this machine cannot serve a file correctly; empty where it can."""
    if target.runtime == "torch" and file.program_sha256 is None:
        return f"it has no torch program, {file.reasons['program_sha256']}"
    if file.valid_on == "gpu" and not GPU_PROVIDERS & set(target.providers):
        return "half precision is for GPUs"
    if file.valid_on == "exact int8" and int8_format_here("u8s8").reduce_range:
        return "its int8 products saturate on this processor: quantise it here"
    return ""


def forget_unservable(workspace: Workspace, task: str, name: str, target: Target) -> None:
    """Removes profiles of variants that this target cannot serve, from an earlier target of the same name.

    No new measurement replaces them, so that figures of two machines would have one name.
    """
    for variant in workspace.variants(task):
        if variant.onnx is not None and why_not(target, variant.onnx):
            workspace.profile_files(variant, name).remove()
