"""An int8 file whose answers do not matter: it is only to be timed."""

from pathlib import Path

import numpy as np

from porting.onnx_files.quantization.processor import form_here
from porting.onnx_files.quantization.qdq import prepare, write_qdq
from porting.onnx_files.quantization.ranges import activation_ranges
from profiler.common.scratch import scratch


def quantise_untuned(source: Path, destination: Path, images: list[np.ndarray]) -> None:
    """The U8S8 sibling of an fp32 file, with ranges from a few images (N, C, H, W)."""
    with scratch("quantise") as made:
        prepared = made.folder / "prepared.onnx"
        prepare(source, prepared)
        ranges = activation_ranges(prepared, images, "minmax")
        write_qdq(prepared, destination, ranges, form_here("u8s8"))
