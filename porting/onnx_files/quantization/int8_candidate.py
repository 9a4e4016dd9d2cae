"""An int8 file that the search has tried, and how good its answers are."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from pydantic import JsonValue

from porting.onnx_files.quantization.int8_format import Calibration, Int8Format
from profiler.runtimes.session import input_tensor, open_session, run

KEY = "quantization"


@dataclass(frozen=True)
class Int8Candidate:
    """An int8 file, how it was made, and the validation accuracy that it loses against the fp32 file, 0 to 1.

    `useless` is true where answers are not finite, or are the same for all images.
    """

    path: Path
    int8: Int8Format
    calibration: Calibration
    fp32_nodes: tuple[str, ...]
    loss: float
    useless: bool

    def good(self, max_loss: float) -> bool:
        """Whether the file loses at most `max_loss`."""
        return self.loss <= max_loss and not self.useless

    def save(self, destination: Path) -> dict[str, JsonValue]:
        """Writes the file with the choices of the search as JSON in its `metadata_props`, and returns these choices.

        A runtime reads them as `session.get_modelmeta().custom_metadata_map["quantization"]`.
        """
        model = onnx.load(self.path)
        chosen: dict[str, JsonValue] = {
            "scheme": self.int8.scheme,
            "reduce_range": self.int8.reduce_range,
            "calibration": self.calibration,
            "fp32_nodes": list(self.fp32_nodes),
            "loss": self.loss,
        }
        model.metadata_props.add(key=KEY, value=json.dumps(chosen))
        onnx.save(model, destination)
        return chosen


def answers(path: Path, batches: Iterable[np.ndarray]) -> np.ndarray:
    """The outputs (N, classes) of a file for batches (N, C, H, W), computed on all cores."""
    session = open_session(path, threads=0)
    name = input_tensor(session).name
    return np.concatenate([run(session, {name: batch}) for batch in batches])


def share_right(found: np.ndarray, labels: np.ndarray) -> float:
    """The share of answers (N, classes) whose largest value is at the label (N)."""
    return float((found.argmax(axis=1) == labels).mean())


def useless(found: np.ndarray) -> bool:
    """Whether answers (N, classes) are not all finite, or are the same for all images."""
    return not np.isfinite(found).all() or (len(found) > 1 and bool((found == found[0]).all()))
