"""The inputs and outputs of an ONNX graph: their types and shapes."""

from dataclasses import dataclass

from onnx import ModelProto, TensorProto, ValueInfoProto

from profiler.triton.lint.rules_tensors import WILDCARD

# Triton's name of each element type (onnxruntime_backend: `OnnxDataTypeToModelConfigDataType`).
TYPE_NAMES: dict[int, str] = {
    TensorProto.FLOAT: "TYPE_FP32",
    TensorProto.UINT8: "TYPE_UINT8",
    TensorProto.INT8: "TYPE_INT8",
    TensorProto.UINT16: "TYPE_UINT16",
    TensorProto.INT16: "TYPE_INT16",
    TensorProto.INT32: "TYPE_INT32",
    TensorProto.INT64: "TYPE_INT64",
    TensorProto.STRING: "TYPE_STRING",
    TensorProto.BOOL: "TYPE_BOOL",
    TensorProto.FLOAT16: "TYPE_FP16",
    TensorProto.DOUBLE: "TYPE_FP64",
    TensorProto.UINT32: "TYPE_UINT32",
    TensorProto.UINT64: "TYPE_UINT64",
    TensorProto.BFLOAT16: "TYPE_BF16",
}


@dataclass(frozen=True)
class GraphTensor:
    """An input or output; symbolic axes are -1, and `type_name` is empty for a type that Triton does not have."""

    type_name: str
    dims: tuple[int, ...]
    is_tensor: bool = True


@dataclass(frozen=True)
class Graph:
    """The required inputs, the optional inputs, and the outputs of a graph."""

    inputs: dict[str, GraphTensor]
    optional: dict[str, GraphTensor]
    outputs: dict[str, GraphTensor]


def graph_of(model: ModelProto) -> Graph:
    """The inputs and outputs of a model; an input with an initializer of its name is optional."""
    given = {tensor.name for tensor in model.graph.initializer}
    given |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    inputs = {value.name: tensor_of(value) for value in model.graph.input}
    return Graph(
        inputs={name: tensor for name, tensor in inputs.items() if name not in given},
        optional={name: tensor for name, tensor in inputs.items() if name in given},
        outputs={value.name: tensor_of(value) for value in model.graph.output},
    )


def tensor_of(value: ValueInfoProto) -> GraphTensor:
    """The type and shape of a declared value."""
    declared = value.type.tensor_type
    dims = tuple(dim.dim_value if dim.dim_value > 0 else WILDCARD for dim in declared.shape.dim)
    is_tensor = value.type.WhichOneof("value") in ("tensor_type", None)
    return GraphTensor(TYPE_NAMES.get(declared.elem_type, ""), dims, is_tensor)
