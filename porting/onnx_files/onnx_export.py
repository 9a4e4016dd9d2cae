"""The export of a torch network to ONNX: symbolic batch axis, the same answers, no paths of this machine.

The height and the width of the picture can be symbolic too.
"""

import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto
from torch import nn
from torch.export import Dim

from porting.configuration.settings import ExportSettings, OpenAxis
from porting.networks.program import Shape, check_answers
from profiler.common.errors import ModelError
from profiler.runtimes.session import open_session, run

INPUT, OUTPUT, BATCH = "input", "logits", "batch"
# The axes of an input (C, H, W) that a file can leave open.
AXES: dict[OpenAxis, int] = {"height": 1, "width": 2}


def export_network(model: nn.Module, path: Path, shape: Shape, settings: ExportSettings) -> None:
    """Writes the ONNX file of a network and checks it; raises `ModelError` where a check fails."""
    path.write_bytes(exported(model.eval(), shape, settings))


def exported(model: nn.Module, shape: Shape, settings: ExportSettings, torchscript: bool = False) -> bytes:
    """The content of the ONNX file of a network, without provenance.

    Only the older exporter of torch reads TorchScript programs. Raises `ModelError` where the export or a check fails.
    """
    buffer = BytesIO()
    symbols: dict[int, str] = {0: BATCH} | {1 + AXES[name]: name for name in settings.open_axes}
    names = {axis: Dim(name) for axis, name in symbols.items()}
    axes: dict[str, Any] = {"dynamic_shapes": (names,), "external_data": False}
    if torchscript:
        axes = {"dynamic_axes": {INPUT: symbols, OUTPUT: {0: BATCH}}}
    try:
        with warnings.catch_warnings():
            # The exporter warns of its own internals.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                model,
                (torch.zeros(2, *shape),),
                buffer if torchscript else None,  # type: ignore[arg-type]
                dynamo=not torchscript,
                opset_version=settings.opset,
                input_names=[INPUT],
                output_names=[OUTPUT],
                verbose=False,
                **axes,
            )
        file = program.model_proto if program else onnx.load_model_from_string(buffer.getvalue())
    except (OSError, MemoryError):
        raise
    except Exception as error:
        # The exporter runs the network's own code, which may raise any error.
        reason = " ".join(str(error).split())[:300]
        sizes = f"any {' and '.join([BATCH, *settings.open_axes])} size"
        raise ModelError(f"a network cannot be exported for input {list(shape)} of {sizes}: {reason}") from error
    content = without_provenance(file)
    check_export(model, content, shape, settings)
    return content


def without_provenance(file: ModelProto) -> bytes:
    """Removes source lines and paths of this machine, so that the same network gives the same bytes."""
    for part in (file.graph, *file.graph.node, *file.graph.input, *file.graph.output, *file.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    for tensor in file.graph.initializer:
        del tensor.metadata_props[:]
    del file.metadata_props[:]
    cleaned: bytes = file.SerializeToString(deterministic=True)
    return cleaned


def check_export(model: nn.Module, content: bytes, shape: Shape, settings: ExportSettings) -> None:
    """Raises `DnnPortingError` for another operator set, a fixed batch size, or answers that differ from torch."""
    file = onnx.load_model_from_string(content)
    opset: int = next(entry.version for entry in file.opset_import if entry.domain == "")
    if opset != settings.opset:
        raise ModelError(f"the export has opset {opset} where {settings.opset} was asked: set export.opset={opset}")
    if not file.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        raise ModelError(
            "the network fixes its batch size, so it cannot be served in batches: use sizes from its input"
        )
    session = open_session(content, threads=1)
    source = session.get_inputs()[0].name

    def answer(images: np.ndarray) -> np.ndarray:
        return run(session, {source: images})

    check_answers("exported file", answer, model, shape, settings.tolerance)
    try:
        for size in other_shapes(shape, settings.open_axes):
            check_answers("exported file", answer, model, size, settings.tolerance)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        # The network runs its own code, which may raise any error.
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"the network answers pictures of {list(shape[1:])} only ({reason}): set export.open_axes=[], or end its "
            "convolutions with a mean over the whole picture"
        ) from error


def other_shapes(shape: Shape, open_axes: Sequence[OpenAxis]) -> list[Shape]:
    """Two more shapes of an input whose axes are open, none where all are fixed; both axes grow differently."""
    grown = {"height": (2.0, 1.5), "width": (1.5, 2.0)}
    channels, height, width = shape
    by_name = {"height": height, "width": width}
    found = []
    for place in range(2 if open_axes else 0):
        sizes = {name: int(size * grown[name][place]) if name in open_axes else size for name, size in by_name.items()}
        found.append((channels, sizes["height"], sizes["width"]))
    return found
