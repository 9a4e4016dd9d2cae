"""fp16 for GPUs: weights and activations of 16 bits, input and output still float32."""

from pathlib import Path

import onnx
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import convert_float_to_float16


def write_fp16(source: Path, destination: Path) -> None:
    """The fp16 sibling of an fp32 file, which takes and gives the same tensors."""
    converted = ONNXModel(convert_float_to_float16(onnx.load(source), keep_io_types=True))
    # The casts of input and output stand at the end of the graph, where the specification does not allow them.
    converted.topological_sort()
    onnx.save(converted.model, destination)
