"""An int8 file that was tried."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from porting.onnx_files.quantization.form import Calibration, Form
from profiler.runtimes.session import input_tensor, open_session, run


@dataclass(frozen=True)
class Candidate:
    """How it was made, and what validation accuracy it loses against the fp32 file, 0 to 1.

    `useless` where its answers are not all finite, or are the same whatever the image.
    """

    path: Path
    form: Form
    calibration: Calibration
    fp32_nodes: tuple[str, ...]
    loss: float
    useless: bool

    def good(self, max_loss: float) -> bool:
        """Whether it loses no more than that."""
        return self.loss <= max_loss and not self.useless


def answers(path: Path, batches: Iterable[np.ndarray]) -> np.ndarray:
    """What a file answers to batches (N, C, H, W): (N, classes), computed on all cores."""
    session = open_session(path, threads=0)
    name = input_tensor(session).name
    return np.concatenate([run(session, {name: batch}) for batch in batches])


def share_right(found: np.ndarray, labels: np.ndarray) -> float:
    """The share of answers (N, classes) whose largest value is at the label (N)."""
    return float((found.argmax(axis=1) == labels).mean())


def useless(found: np.ndarray) -> bool:
    """Whether answers (N, classes) are not all finite, or the same whatever the image."""
    return not np.isfinite(found).all() or (len(found) > 1 and bool((found == found[0]).all()))
