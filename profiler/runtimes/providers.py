"""Execution providers of ONNX Runtime: their names, packages and options."""

import json

import onnxruntime as ort

from profiler.common.errors import BadInputError
from profiler.common.target import ON_GPU, Provider

NAMES: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
# The packages contain the same files, so only one can be installed.
PACKAGES: dict[Provider, str] = {
    "cpu": "onnxruntime",
    "cuda": "onnxruntime-gpu",
    "tensorrt": "onnxruntime-gpu",
    "openvino": "onnxruntime-openvino",
}
# By default, OpenVINO pins the threads that call it, including the load generator's, to cores of its own choice.
NO_PINNING = json.dumps({"CPU": {"ENABLE_CPU_PINNING": "NO"}})


def session_providers(providers: tuple[Provider, ...], threads: int, gpu: int = 0) -> list[tuple[str, dict[str, str]]]:
    """The names and options for a session, by preference; raises `BadInputError` for an uninstalled provider."""
    available = ort.get_available_providers()
    for provider in providers:
        if NAMES[provider] not in available:
            raise BadInputError(
                f"provider {provider} is not in the installed ONNX Runtime, which has {', '.join(available)}: "
                "replace it with 'pip uninstall onnxruntime' and then "
                f"'pip install --force-reinstall --no-deps {PACKAGES[provider]}'"
            )
    # OpenVINO ignores the session's number of threads.
    options: dict[Provider, dict[str, str]] = {"openvino": {"num_of_threads": str(threads), "load_config": NO_PINNING}}
    options |= {provider: {"device_id": str(gpu)} for provider in ON_GPU}
    return [(NAMES[provider], options.get(provider, {})) for provider in providers]


def check_started(session: ort.InferenceSession, providers: tuple[Provider, ...]) -> None:
    """Raises `BadInputError` for a provider that did not start, without which ONNX Runtime silently continues."""
    started = session.get_providers()
    for provider in providers:
        if NAMES[provider] not in started:
            raise BadInputError(
                f"provider {provider} did not start, and the session runs on {', '.join(started)}: "
                "install the libraries and the device that it needs, or choose other providers"
            )
