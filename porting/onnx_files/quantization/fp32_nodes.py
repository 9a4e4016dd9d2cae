"""Keeps nodes of an int8 file in fp32, for every runtime that loads the file."""

from collections.abc import Collection

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

REQUANTISED = ("Conv", "ConvTranspose", "Gemm")


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
