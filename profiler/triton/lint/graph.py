"""The inputs and outputs of an ONNX graph, with the names and sizes of their types."""

from dataclasses import dataclass

from onnx import ModelProto, TensorProto, ValueInfoProto, helper
from tritonclient.grpc.model_config_pb2 import DataType

from profiler.triton.lint.rules_tensors import WILDCARD

TRITON_NAMES = {"FLOAT": "FP32", "FLOAT16": "FP16", "DOUBLE": "FP64", "BFLOAT16": "BF16"}
# Triton's name of each element type that it has (onnxruntime_backend: `OnnxDataTypeToModelConfigDataType`).
TYPE_NAMES: dict[int, str] = {
    kind: f"TYPE_{TRITON_NAMES.get(name, name)}"
    for name, kind in TensorProto.DataType.items()
    if f"TYPE_{TRITON_NAMES.get(name, name)}" in DataType.DESCRIPTOR.values_by_name
}
BYTES_OF = {kind: helper.tensor_dtype_to_np_dtype(kind).itemsize for kind in TYPE_NAMES if kind != TensorProto.STRING}


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
