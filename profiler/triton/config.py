"""The `config.pbtxt` of a served ONNX file, the same for profiling and for publication."""

from dataclasses import dataclass

from google.protobuf import text_format
from google.protobuf.json_format import MessageToJson
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup, ModelParameter

from profiler.common.batching import Batching
from profiler.common.target import ON_GPU, Provider, Tensor

TYPE_FP32 = "TYPE_FP32"


@dataclass(frozen=True)
class ServingSettings:
    """The settings of a target for serving a model."""

    threads: int
    instances: int
    max_batch: int
    providers: tuple[Provider, ...] = ("cpu",)
    gpu: int = 0
    batching: Batching | None = None


def model_config(
    input_tensor: Tensor,
    output_tensor: Tensor,
    serving: ServingSettings,
    parameters: dict[str, str] | None = None,
    label_file: str | None = None,
) -> ModelConfig:
    """The configuration of a model, with every value that auto-completion would choose.

    It has no name, because the folder names the model and ModelMesh refuses one. `parameters` are strings.
    """
    config = ModelConfig(backend="onnxruntime", max_batch_size=serving.max_batch)
    config.default_model_filename = "model.onnx"
    config.input.add(name=input_tensor.name, data_type=TYPE_FP32, dims=input_tensor.shape)
    output = config.output.add(name=output_tensor.name, data_type=TYPE_FP32, dims=output_tensor.shape)
    if label_file is not None:
        output.label_filename = label_file
    place_instances(config, serving)
    if serving.batching is not None:
        config.dynamic_batching.max_queue_delay_microseconds = serving.batching.queue_delay_us
        config.dynamic_batching.preferred_batch_size.extend(serving.batching.preferred_batches)
    strings = {
        "intra_op_thread_count": str(serving.threads),
        "inter_op_thread_count": "1",
        **(parameters or {}),
    }
    for key, value in strings.items():
        config.parameters[key].CopyFrom(ModelParameter(string_value=value))
    return config


def place_instances(config: ModelConfig, serving: ServingSettings) -> None:
    """Sets the device of the instances, and their accelerators."""
    on_gpu = bool(ON_GPU & set(serving.providers))
    kind = ModelInstanceGroup.KIND_GPU if on_gpu else ModelInstanceGroup.KIND_CPU
    config.instance_group.add(count=serving.instances, kind=kind, gpus=[serving.gpu] if on_gpu else [])
    accelerators = config.optimization.execution_accelerators
    if "tensorrt" in serving.providers:
        accelerators.gpu_execution_accelerator.add(name="tensorrt")
    if "openvino" in serving.providers:
        accelerators.cpu_execution_accelerator.add(name="openvino")


def to_text(config: ModelConfig) -> str:
    """The configuration as the text of a `config.pbtxt`."""
    return str(text_format.MessageToString(config))


def to_json(config: ModelConfig) -> str:
    """The configuration as JSON for the load call."""
    return str(MessageToJson(config, preserving_proto_field_name=True))
