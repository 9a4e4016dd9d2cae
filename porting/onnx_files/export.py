"""A torch network as an ONNX file: symbolic batch axis, the same answers, nothing of this machine in it."""

import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn
from torch.export import Dim

from porting.networks.parity import check_answers
from porting.settings import ExportSettings
from profiler.errors import ModelError
from profiler.runtimes.session import open_session

INPUT, OUTPUT, BATCH = "input", "logits", "batch"


def export_network(model: nn.Module, path: Path, shape: tuple[int, int, int], settings: ExportSettings) -> int:
    """Writes the file and checks it; returns its operator set. Raises `ModelError` where a check fails."""
    model = model.eval()
    # Only the older exporter reads TorchScript programs, and the two name the batch axis differently.
    script = isinstance(model, torch.jit.ScriptModule)
    axes: dict[str, Any] = {"dynamic_axes": {INPUT: {0: BATCH}, OUTPUT: {0: BATCH}}}
    shapes: dict[str, Any] = {"dynamic_shapes": ({0: Dim(BATCH)},)}
    try:
        with warnings.catch_warnings():
            # torch's exporters warn of their own internals.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                (torch.zeros(2, *shape),),
                str(path),
                dynamo=not script,
                external_data=False,
                opset_version=settings.opset,
                input_names=[INPUT],
                output_names=[OUTPUT],
                verbose=False,
                **(axes if script else shapes),
            )
    except OSError:
        raise
    except Exception as error:
        # The exporter runs the network's own code and fails with whatever that raises.
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"a network cannot be exported for input {list(shape)} of any batch size: {reason}") from error
    strip_provenance(path)
    return check_export(model, path, shape, settings)


def strip_provenance(path: Path) -> None:
    """Removes source lines and paths of this machine, so that the same network gives the same bytes."""
    file = onnx.load(path)
    for part in (file.graph, *file.graph.node, *file.graph.input, *file.graph.output, *file.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    for tensor in file.graph.initializer:
        del tensor.metadata_props[:]
    del file.metadata_props[:]
    path.write_bytes(file.SerializeToString(deterministic=True))


def check_export(model: nn.Module, path: Path, shape: tuple[int, int, int], settings: ExportSettings) -> int:
    """Operator set, batch axis and parity with torch at batches 1, 3 and 8."""
    file = onnx.load(path)
    opset: int = next(entry.version for entry in file.opset_import if entry.domain == "")
    if opset != settings.opset:
        raise ModelError(f"the export has opset {opset} where {settings.opset} was asked: set export.opset={opset}")
    if not file.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        raise ModelError(
            "the network fixes its batch size, so it cannot be served in batches: use sizes from its input"
        )
    check_parity(model, path, shape, settings.tolerance)
    return opset


def check_parity(model: nn.Module, path: Path, shape: tuple[int, int, int], tolerance: float) -> None:
    """Raises `DnnPortingError` where file and network answer differently."""
    session = open_session(path, threads=1)
    source = session.get_inputs()[0].name
    check_answers("exported file", lambda images: session.run(None, {source: images})[0], model, shape, tolerance)
