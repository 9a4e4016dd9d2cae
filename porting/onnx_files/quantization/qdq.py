"""int8 files with QuantizeLinear and DequantizeLinear nodes around each operator that computes in 8 bits."""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import load_model_with_shape_infer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry
from onnxruntime.quantization.shape_inference import quant_pre_process

from porting.common.console import silenced
from porting.onnx_files.quantization.int8_format import Int8Format

OPERATORS = sorted({*QLinearOpsRegistry, *QDQRegistry})
REQUANTISED = ("Conv", "ConvTranspose", "Gemm")
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


def keep_fp32(model: ModelProto, names: Collection[str]) -> None:
    """Gives each named node its own DequantizeLinear, which repeats the scale for every channel.

    With a single scale ONNX Runtime (since 1.21) would quantise the float weights itself: it does so for a convolution,
    a transposed one or a Gemm between a DequantizeLinear of one scale and a QuantizeLinear.
    """
    graph = model.graph
    made_by = {name: node for node in graph.node for name in node.output}
    for node in [one for one in graph.node if one.name in names and one.op_type in REQUANTISED]:
        source = made_by.get(node.input[0])
        if source is not None and source.op_type == "DequantizeLinear":
            own = dequantize_by_channel(graph, source, node)
            graph.node.insert(list(graph.node).index(node), own)
            node.input[0] = own.output[0]
            if not any(source.output[0] in one.input for one in graph.node):
                graph.node.remove(source)


def dequantize_by_channel(graph: GraphProto, source: NodeProto, node: NodeProto) -> NodeProto:
    """A copy of a DequantizeLinear for one node, by channel; its scales and zero points are added to the graph."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    channels = input_channels(node, list(constants[node.input[1]].dims))
    parameters = [f"{node.name}_input_{what}" for what in ("scales", "zero_points")]
    for before, after in zip(source.input[1:], parameters, strict=True):
        values = np.repeat(numpy_helper.to_array(constants[before]), channels)
        graph.initializer.append(numpy_helper.from_array(values, after))
    inputs, outputs = [source.input[0], *parameters], [f"{node.name}_input"]
    return helper.make_node("DequantizeLinear", inputs, outputs, name=outputs[0], axis=1)


def input_channels(node: NodeProto, weight_shape: list[int]) -> int:
    """The number of channels (axis 1) that a convolution, a transposed convolution or a Gemm reads."""
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "Conv":
        return int(weight_shape[1] * attributes.get("group", 1))
    if node.op_type == "ConvTranspose":
        return weight_shape[0]
    return weight_shape[1] if attributes.get("transB") else weight_shape[0]
