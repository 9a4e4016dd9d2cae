"""Execution providers: their names in ONNX Runtime, and what installs them."""

import onnxruntime as ort

from profiler.errors import BadInputError
from profiler.target import Provider

NAMES: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
EXTRAS: dict[Provider, str] = {"cuda": "cuda", "tensorrt": "cuda", "openvino": "openvino"}
ON_GPU: set[Provider] = {"cuda", "tensorrt"}


def session_providers(providers: tuple[Provider, ...]) -> list[str]:
    """The names for a session, in order of preference; `BadInputError` where the installed build lacks one."""
    available = ort.get_available_providers()
    for provider in providers:
        if NAMES[provider] not in available:
            raise BadInputError(
                f"provider {provider} is not in the installed ONNX Runtime, which has {', '.join(available)}: "
                f"replace the package onnxruntime by that of the extra dnn-porting[{EXTRAS.get(provider, 'porting')}]"
            )
    return [NAMES[provider] for provider in providers]
