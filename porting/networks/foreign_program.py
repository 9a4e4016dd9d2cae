"""A foreign TorchScript program as an ONNX file: loaded, run and exported in a confined process, never in this one."""

from collections.abc import Sequence
from pathlib import Path

import torch

from porting.onnx_files.export import export_program
from porting.settings import ExportSettings
from profiler import trial
from profiler.confined.parent import judged
from profiler.confined.protocol import Finding, Task
from profiler.confined.steps import next_step
from profiler.graph.layers import layers_of
from profiler.graph.read import parse_onnx
from profiler.graph.size import check_size
from profiler.runtimes.arithmetic import beyond_arithmetic
from profiler.runtimes.torch_program import answer, compiled, does_more
from profiler.trust import trusted

FIX = "give a TorchScript file"
# The export and its checks take so long; an archive has many forms in memory on its way.
EXPORT_S, COPIES = 8.0, 8


def export_foreign(
    path: Path, destination: Path, shape: tuple[int, int, int], settings: ExportSettings, name: Path
) -> str:
    """Writes the ONNX file of a program that the user knows by this name.

    It returns why torch cannot serve the program itself, nothing where it can.

    Raises `ModelError` for a program that cannot be loaded, does not answer, or cannot be exported within the limits.
    """
    arguments = {"shape": shape, "settings": settings.model_dump(mode="json")}
    task = Task("porting.networks.foreign_program.judge", arguments)
    finding = judged(path, task, trial.limits(path, COPIES, EXPORT_S), FIX, name)
    destination.write_bytes(finding.content)
    operator = finding.facts["operator"]
    return does_more(str(operator)[:64]) if operator and not trusted() else ""


def judge(content: bytes, shape: Sequence[int], settings: dict[str, object]) -> Finding:
    """What the confined process does."""
    program, unit = compiled(torch, content, "cpu")
    answer(torch, program, shape)
    next_step()
    channels, height, width = shape
    exported = export_program(program, (channels, height, width), ExportSettings.model_validate(settings))
    model = parse_onnx(exported, "the exported file")
    check_size(model)
    layers_of(model)
    return Finding({"operator": beyond_arithmetic(unit)}, exported)
