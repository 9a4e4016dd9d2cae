"""A foreign TorchScript program as an ONNX file: loaded, run and exported in a confined process, never in this one."""

from collections.abc import Sequence
from pathlib import Path

import torch

from porting.configuration.settings import ExportSettings
from porting.onnx_files.export import export_program
from profiler.confined.parent import judged
from profiler.confined.protocol import Finding, Task, trusted
from profiler.runtimes.torch_program import compiled
from profiler.trial import onnx_file, torch_network
from profiler.trial.arithmetic import beyond_arithmetic
from profiler.trial.batches import answer_few, begin, known_bytes
from profiler.trial.torch_file import does_more

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
    task = Task("porting.onnx_files.foreign_program.judge", arguments)
    finding = judged(path, task, onnx_file.limits(path, COPIES, EXPORT_S), FIX, name)
    destination.write_bytes(finding.content)
    operator = finding.facts["operator"]
    return does_more(str(operator)[:64]) if operator and not trusted() else ""


def prepare() -> None:
    """What the confined process does before it gives up what it may do."""
    torch_network.prepare()


def judge(content: bytes, shape: Sequence[int], settings: dict[str, object]) -> Finding:
    """What the confined process does."""
    program, unit = compiled(torch, content, "cpu")
    channels, height, width = shape
    network = torch_network.Program(program, (channels, height, width))
    took_s = answer_few(network)
    # It is traced, and compared with its graph at several batches.
    begin(0, EXPORT_S + (2 * len(content) / onnx_file.BYTES_PER_S) + 20 * took_s, known_bytes(network, 2))
    exported = export_program(program, (channels, height, width), ExportSettings.model_validate(settings))
    onnx_file.judge(exported, ())
    return Finding({"operator": beyond_arithmetic(unit)}, exported)
