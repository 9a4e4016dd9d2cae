"""int8 files with QuantizeLinear and DequantizeLinear nodes around each operator that computes in 8 bits."""

import logging
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import GraphProto
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import load_model_with_shape_infer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry
from onnxruntime.quantization.shape_inference import quant_pre_process

from porting.common.console import silenced
from porting.onnx_files.quantization.fp32_nodes import keep_fp32
from porting.onnx_files.quantization.int8_format import Int8Format

OPERATORS = sorted({*QLinearOpsRegistry, *QDQRegistry})
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
ACTIVATIONS = {"u8s8": QuantType.QUInt8, "s8s8": QuantType.QInt8}


def prepare(source: Path, destination: Path) -> None:
    """Writes the same network with constants folded, shapes inferred, every node named and no weights shared."""
    with silenced(logging.WARNING):
        quant_pre_process(str(source), str(destination), skip_symbolic_shape=True)
    model = onnx.load(destination)
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
    unshare_weights(model.graph)
    onnx.save(model, destination)


def unshare_weights(graph: GraphProto) -> None:
    """Gives every node its own copy of weights that several nodes read.

    The quantiser puts one DequantizeLinear before all nodes that share weights, even before nodes that must stay fp32.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    weights = {name for node in graph.node if node.op_type in WEIGHTED for name in node.input if name in constants}
    taken = set()
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in taken:
                own = graph.initializer.add()
                own.CopyFrom(constants[name])
                own.name = node.input[place] = f"{name}_of_{node.name}"
            elif name in weights:
                taken.add(name)


def weighted_nodes(path: Path) -> list[str]:
    """The names of the convolutions and matrix products with constant weights, in the order of the graph."""
    graph = onnx.load(path).graph
    constants = {tensor.name for tensor in graph.initializer}
    return [
        node.name for node in graph.node
        if node.op_type in WEIGHTED and constants & set(node.input[:2])
    ]  # fmt: skip


def quantised_nodes(path: Path) -> list[str]:
    """The names of the quantised nodes of an int8 file, in the order of the graph."""
    graph = onnx.load(path).graph
    dequantised = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    return [node.name for node in graph.node if node.op_type in OPERATORS and dequantised & set(node.input)]


def write_qdq(
    prepared: Path,
    destination: Path,
    ranges: TensorsData,
    int8: Int8Format,
    only: Sequence[str] = (),
    fp32_nodes: Sequence[str] = (),
) -> None:
    """Quantises all nodes of a prepared file, or `only` the named ones, except `fp32_nodes`."""
    # The quantiser narrows the ranges that it is given where a ReLU follows.
    own = TensorsData(ranges.calibration_method, dict(ranges.items()))
    with silenced(logging.WARNING):
        quantizer = QDQQuantizer(
            load_model_with_shape_infer(prepared),
            per_channel=True,
            reduce_range=int8.reduce_range,
            weight_qType=QuantType.QInt8,
            activation_qType=ACTIVATIONS[int8.scheme],
            tensors_range=own,
            nodes_to_quantize=list(only),
            nodes_to_exclude=list(fp32_nodes),
            op_types_to_quantize=OPERATORS,
            extra_options={},
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()
    keep_fp32(quantizer.model.model, fp32_nodes)
    onnx.save(quantizer.model.model, destination)
