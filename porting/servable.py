"""Which exported variants a target can serve: every one, but torch those with a torch program only."""

from collections.abc import Mapping, Sequence

from porting.console import say
from porting.records import OnnxFile, Variant
from porting.workspace import Workspace
from profiler.errors import BadInputError
from profiler.target import Target

Exported = tuple[Variant, OnnxFile]


def servable(targets: Mapping[str, Target], pool: Sequence[Variant]) -> dict[str, list[Exported]]:
    """The exported variants that each target serves; why it serves another one not is said.

    Raises `BadInputError` where there are exported ones and no target serves any.
    """
    exported = [(variant, variant.onnx) for variant in pool if variant.onnx is not None]
    found = {
        name: [(variant, file) for variant, file in exported if serves(target, file)]
        for name, target in targets.items()
    }
    if exported and not any(found.values()):
        raise BadInputError(
            f"no exported variant has a torch program for runtime=torch of target {', '.join(targets)} "
            f"({why_none(exported[0][1])}): take runtime=triton or onnxruntime, or import TorchScript or a checkpoint"
        )
    for name, served in found.items():
        for variant, file in exported:
            if (variant, file) not in served:
                say(f"profile   {variant.name} is left out on {name}, as it has no torch program: {why_none(file)}")
    return found


def serves(target: Target, file: OnnxFile) -> bool:
    """Whether there is what the target's runtime takes."""
    return target.runtime != "torch" or file.program_sha256 is not None


def why_none(file: OnnxFile) -> str:
    """Why there is no torch program."""
    return file.reasons["program_sha256"]


def forget_unservable(workspace: Workspace, task: str, name: str, target: Target) -> None:
    """Removes what an earlier target of this name measured of variants that this one cannot serve.

    Beside this one's figures they would be of another machine, and nothing would ever take their place.
    """
    for variant in workspace.variants(task):
        if variant.onnx is not None and not serves(target, variant.onnx):
            workspace.profile_files(variant, name).remove()
