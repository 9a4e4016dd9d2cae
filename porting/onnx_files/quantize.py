"""Static int8 with ONNX Runtime: activations QUInt8, weights QInt8 per channel, QDQ nodes (U8S8)."""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from porting.settings import QuantizeSettings
from profiler.errors import DnnPortingError

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds calibration images (N, C, H, W) one batch at a time."""

    def __init__(self, input_name: str, batches: list[np.ndarray]) -> None:
        self._feeds = iter([{input_name: batch} for batch in batches])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)


def quantize_file(source: Path, destination: Path, images: list[np.ndarray], settings: QuantizeSettings) -> None:
    """Writes the int8 sibling of an fp32 file; raises `DnnPortingError` where nothing became int8."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared = Path(folder) / "prepared.onnx"
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            name = onnx.load(prepared).graph.input[0].name
            quantize_static(
                str(prepared),
                str(destination),
                Reader(name, images),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                calibrate_method=METHODS[settings.calibration],
            )
    finally:
        root.setLevel(level)
    if not any(node.op_type == "QuantizeLinear" for node in onnx.load(destination).graph.node):
        raise DnnPortingError(f"nothing in {source} could be quantised: it has no convolution or matrix product")
