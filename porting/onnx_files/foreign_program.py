"""The export of a foreign TorchScript program to ONNX, in a confined process and never in this one."""

from collections.abc import Sequence
from pathlib import Path

import torch

from porting.configuration.settings import ExportSettings
from porting.onnx_files.onnx_export import exported
from profiler.confined.parent import judged
from profiler.confined.protocol import Finding, Task, trusted
from profiler.runtimes.torch_program import compiled
from profiler.trial import onnx_file, torch_network
from profiler.trial.batches import answer_few, begin, known_bytes
from profiler.trial.torch_file import MORE_THAN_ARITHMETIC, beyond_arithmetic

FIX = "give a TorchScript file"
# The time of the export with its checks, and the number of copies of the archive that it holds in memory.
EXPORT_S, COPIES = 8.0, 8
# The time of the checks in answers to one picture, with one size and with three.
ANSWERS, ANSWERS_OF_SIZES = 20, 150


def export_foreign(
    path: Path, destination: Path, shape: tuple[int, int, int], settings: ExportSettings, name: Path
) -> str:
    """Writes the ONNX file of a program, which messages call `name`.

    Returns the reason why torch cannot serve the program itself, or an empty text where it can.

    Raises `ModelError` for a program that cannot be loaded, does not answer, or cannot be exported within the limits.
    """
    arguments = {"shape": shape, "settings": settings.model_dump(mode="json")}
    task = Task("porting.onnx_files.foreign_program.judge", arguments)
    finding = judged(path, task, onnx_file.limits(path, COPIES, EXPORT_S), FIX, name)
    destination.write_bytes(finding.content)
    operator = finding.facts["operator"]
    return f"it uses {str(operator)[:64]}, {MORE_THAN_ARITHMETIC}" if operator and not trusted() else ""


def prepare() -> None:
    """The preparation of the confined process, before it gives up its rights."""
    torch_network.prepare()


def judge(content: bytes, shape: Sequence[int], settings: dict[str, object]) -> Finding:
    """The work of the confined process: the ONNX file, and the first operator that does more than compute."""
    program, unit = compiled(torch, content, "cpu")
    channels, height, width = shape
    network = torch_network.Program(program, (channels, height, width))
    took_s = answer_few(network)
    shape, chosen = (channels, height, width), ExportSettings.model_validate(settings)
    # The program is traced, and compared with its graph at several batch sizes, and at larger pictures if it may be.
    answers = ANSWERS_OF_SIZES if chosen.open_axes else ANSWERS
    begin(0, EXPORT_S + (2 * len(content) / onnx_file.BYTES_PER_S) + answers * took_s, known_bytes(network, 2))
    file = exported(program, shape, chosen, torchscript=True)
    onnx_file.judge(file, shape[1:2])
    return Finding({"operator": beyond_arithmetic(unit)}, file)
