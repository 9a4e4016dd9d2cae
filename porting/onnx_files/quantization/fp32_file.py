"""The fp32 file from which int8 candidates are made; values that all candidates share are computed once."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from onnxruntime.quantization.calibrate import TensorsData

from porting.onnx_files.quantization.int8_candidate import Int8Candidate, answers, share_right, useless
from porting.onnx_files.quantization.int8_format import Calibration, Int8Format
from porting.onnx_files.quantization.qdq import prepare, weighted_nodes, write_qdq
from porting.onnx_files.quantization.ranges import activation_ranges
from porting.workspace.data import Data
from profiler.common.errors import DnnPortingError


class Fp32File:
    """An fp32 file with its data and a folder for candidates; `images` returns the calibration images in batches."""

    def __init__(self, source: Path, data: Data, images: Callable[[], list[np.ndarray]], folder: Path) -> None:
        self.source, self._data, self.images, self._folder = source, data, images, folder
        self._ranges: dict[Calibration, TensorsData] = {}

    @cached_property
    def prepared(self) -> Path:
        """The file that the quantiser reads (`qdq.prepare`)."""
        self._folder.mkdir(parents=True)
        path = self._folder / "prepared.onnx"
        prepare(self.source, path)
        return path

    def check(self) -> None:
        """Raises `DnnPortingError` where no node can be quantised, and where the fp32 answers are useless."""
        if not self.nodes:
            raise DnnPortingError(
                f"nothing in {self.source} could be quantised: it has no convolution or matrix product with constant "
                "weights, leave out stage quantize"
            )
        if useless(self.answers):
            raise DnnPortingError(
                f"{self.source} gives NaN or one answer to all calibration images: train or import it again"
            )

    @cached_property
    def nodes(self) -> list[str]:
        """The names of the nodes that can be quantised."""
        return weighted_nodes(self.prepared)

    @cached_property
    def accuracy(self) -> float:
        """The share of right answers of the fp32 file on the validation split."""
        return share_right(*self.validate(self.source))

    @cached_property
    def answers(self) -> np.ndarray:
        """The outputs (N, classes) of the fp32 file for the calibration images."""
        return answers(self.prepared, self.images())

    def ranges(self, calibration: Calibration) -> TensorsData:
        """The ranges of the activations by one calibration method."""
        if calibration not in self._ranges:
            self._ranges[calibration] = activation_ranges(self.prepared, self.images(), calibration)
        return self._ranges[calibration]

    def candidate(self, int8: Int8Format, calibration: Calibration, fp32_nodes: Sequence[str] = ()) -> Int8Candidate:
        """Writes an int8 file, and measures it on the validation split."""
        path = self._folder / f"{int8.scheme}-{calibration}-{len(fp32_nodes)}.onnx"
        write_qdq(self.prepared, path, self.ranges(calibration), int8, fp32_nodes=fp32_nodes)
        found, labels = self.validate(path)
        return Int8Candidate(
            path=path,
            int8=int8,
            calibration=calibration,
            fp32_nodes=tuple(fp32_nodes),
            loss=self.accuracy - share_right(found, labels),
            useless=useless(found),
        )

    def deviation(self, int8: Int8Format, calibration: Calibration, node: str) -> float:
        """The mean squared change of the answers to the calibration images where one node alone is quantised."""
        path = self._folder / "one_node.onnx"
        write_qdq(self.prepared, path, self.ranges(calibration), int8, only=[node])
        moved = float(np.square(answers(path, self.images()) - self.answers).mean())
        return moved if np.isfinite(moved) else np.inf

    def validate(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """The outputs (N, classes) of a file on the validation split, and the labels (N)."""
        labels: list[np.ndarray] = []

        def images() -> Iterator[np.ndarray]:
            for batch, right in self._data.batches("val"):
                labels.append(right.numpy())
                yield batch.numpy()

        return answers(path, images()), np.concatenate(labels)
