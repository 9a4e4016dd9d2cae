"""What was chosen for an int8 file, in the file itself."""

import json
from pathlib import Path

import onnx
from pydantic import JsonValue

from porting.onnx_files.quantization.candidate import Candidate

KEY = "quantization"


def write_chosen(candidate: Candidate, destination: Path) -> dict[str, JsonValue]:
    """Keeps a candidate; returns what was chosen, which stands as JSON in the file's `metadata_props` too.

    `loss` is that of validation accuracy against the fp32 file, 0 to 1.

    A server's runtime gives them back: `session.get_modelmeta().custom_metadata_map["quantization"]`.
    """
    model = onnx.load(candidate.path)
    chosen: dict[str, JsonValue] = {
        "scheme": candidate.form.scheme,
        "reduce_range": candidate.form.reduce_range,
        "calibration": candidate.calibration,
        "fp32_nodes": list(candidate.fp32_nodes),
        "loss": candidate.loss,
    }
    model.metadata_props.add(key=KEY, value=json.dumps(chosen))
    onnx.save(model, destination)
    return chosen
