"""Execution providers: their names in ONNX Runtime, the package that has them, what they are told of the threads."""

import json

import onnxruntime as ort

from profiler.common.errors import BadInputError
from profiler.common.target import Provider

NAMES: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
# Each of them brings the same files: only one can be installed.
PACKAGES: dict[Provider, str] = {
    "cpu": "onnxruntime",
    "cuda": "onnxruntime-gpu",
    "tensorrt": "onnxruntime-gpu",
    "openvino": "onnxruntime-openvino",
}
# Else it binds the threads that call it to cores of its own choice, the load generator's among them.
LEAVE_THREADS_WHERE_THEY_ARE = json.dumps({"CPU": {"ENABLE_CPU_PINNING": "NO"}})


def session_providers(providers: tuple[Provider, ...], threads: int) -> list[tuple[str, dict[str, str]]]:
    """Names and options for a session, in order of preference; `BadInputError` where the installed build lacks one."""
    available = ort.get_available_providers()
    for provider in providers:
        if NAMES[provider] not in available:
            raise BadInputError(
                f"provider {provider} is not in the installed ONNX Runtime, which has {', '.join(available)}: "
                "replace it with 'pip uninstall onnxruntime' and then "
                f"'pip install --force-reinstall --no-deps {PACKAGES[provider]}'"
            )
    return [(NAMES[provider], provider_options(provider, threads)) for provider in providers]


def provider_options(provider: Provider, threads: int) -> dict[str, str]:
    """What a provider must be told; OpenVINO takes no notice of the session's own number of threads."""
    if provider != "openvino":
        return {}
    return {"num_of_threads": str(threads), "load_config": LEAVE_THREADS_WHERE_THEY_ARE}


def check_started(session: ort.InferenceSession, providers: tuple[Provider, ...]) -> None:
    """Raises `BadInputError` where a provider did not start: ONNX Runtime goes on without it, and raises nothing."""
    started = session.get_providers()
    for provider in providers:
        if NAMES[provider] not in started:
            raise BadInputError(
                f"provider {provider} did not start, and the session runs on {', '.join(started)}: "
                "install the libraries and the device that it needs, or choose other providers"
            )
