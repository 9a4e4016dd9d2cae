"""A Triton Python-based backend `onnxruntime` for a server without the C++ one.

This file and the official container serve the same repository whose `config.pbtxt` says `backend: "onnxruntime"`. The
file runs in the server's own interpreter and imports nothing of this project.
"""

import contextlib
import json
import os
import pathlib

# A busy instance gets three times the share of a core, three get nine times; a load still ends under full load.
LOADING_NICE = 5


def lower_priority():
    """Lowers the priority while this network loads, if the system allows the way back; returns the previous one."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        # Only a process that may raise its priority can restore it later.
        os.setpriority(os.PRIO_PROCESS, 0, own - 1)
        os.setpriority(os.PRIO_PROCESS, 0, own + LOADING_NICE)
    return own


def restore_priority(priority):
    """Restores the priority of every thread, because the threads of a session inherit it."""
    for thread in pathlib.Path("/proc/self/task").iterdir():
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), priority)


# The priority is lowered before the imports, which take most of the time of a load.
USUAL_PRIORITY = lower_priority()

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils

GRAPH_LEVELS = {
    "-1": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "1": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "2": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}
ACCELERATORS = {"tensorrt": "TensorrtExecutionProvider", "openvino": "OpenVINOExecutionProvider"}


def parameter(config: dict, key: str, default: str) -> str:
    """The value of a parameter of the configuration."""
    return config.get("parameters", {}).get(key, {}).get("string_value", default)


def session_options(config: dict) -> ort.SessionOptions:
    """The session options, equal to those of the C++ backend for the same `config.pbtxt`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(parameter(config, "intra_op_thread_count", "0"))
    options.inter_op_num_threads = int(parameter(config, "inter_op_thread_count", "0"))
    if parameter(config, "execution_mode", "0") == "1":
        options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    level = str(config.get("optimization", {}).get("graph", {}).get("level", ""))
    options.graph_optimization_level = GRAPH_LEVELS.get(level, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    return options


def session_providers(config: dict, args: dict) -> list[tuple[str, dict[str, str]]]:
    """The configured accelerators, then the GPU for instances on it, then the processor."""
    accelerators = config.get("optimization", {}).get("execution_accelerators", {})
    named = [one["name"] for kind in ("gpu", "cpu") for one in accelerators.get(f"{kind}_execution_accelerator", [])]
    gpu = ["CUDAExecutionProvider"] if args["model_instance_kind"] == "GPU" else []
    names = [*(ACCELERATORS[name] for name in named), *gpu, "CPUExecutionProvider"]
    device = {"device_id": str(args["model_instance_device_id"])} if args["model_instance_kind"] == "GPU" else {}
    options = {ACCELERATORS["openvino"]: openvino_options(config), "CPUExecutionProvider": {}}
    return [(name, options.get(name, device)) for name in names]


def openvino_options(config: dict) -> dict[str, str]:
    """The number of threads, which OpenVINO does not take from the session, and no pinning of threads to cores."""
    threads = parameter(config, "intra_op_thread_count", "0")
    options = {"load_config": json.dumps({"CPU": {"ENABLE_CPU_PINNING": "NO"}})}
    return options if threads == "0" else {"num_of_threads": threads, **options}


def open_session(file: pathlib.Path, config: dict, args: dict) -> ort.InferenceSession:
    """A session on all requested providers; raises where ONNX Runtime would silently continue without one."""
    requested = session_providers(config, args)
    session = ort.InferenceSession(
        str(file), sess_options=session_options(config), providers=requested, enable_fallback=False
    )
    if missing := [name for name, _ in requested if name not in session.get_providers()]:
        raise pb_utils.TritonModelException(
            f"ONNX Runtime {ort.__version__} of the server's environment has started no {', '.join(missing)}, "
            f"only {', '.join(session.get_providers())}: install a build of it that can, or choose other providers"
        )
    return session


class TritonPythonModel:
    """One instance of one served model."""

    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        """Returns the configuration unchanged."""
        return auto_complete_model_config

    def initialize(self, args):
        """Loads the ONNX file."""
        config = json.loads(args["model_config"])
        name = config.get("default_model_filename") or "model.onnx"
        file = pathlib.Path(args["model_repository"], args["model_version"], name)
        self.session = open_session(file, config, args)
        self.inputs = [tensor["name"] for tensor in config["input"]]
        self.outputs = [tensor["name"] for tensor in config["output"]]
        restore_priority(USUAL_PRIORITY)

    def execute(self, requests):
        """Returns one response for each request; the requests of a dynamic batch are computed together."""
        if len(requests) > 1:
            # Where the batch fails, each request is answered or fails alone.
            with contextlib.suppress(Exception):
                return self.answer_together(requests)
        return [self.answer(request) for request in requests]

    def answer_together(self, requests: list[object]) -> list[object]:
        """The responses to several requests that the server joined into one batch."""
        feeds = [self.feed(request) for request in requests]
        joined = {name: np.concatenate([feed[name] for feed in feeds]) for name in self.inputs}
        values = self.session.run(self.outputs, joined)
        ends = np.cumsum([len(feed[self.inputs[0]]) for feed in feeds])
        parts = [np.split(value, ends[:-1]) for value in values]
        return [self.response(answers) for answers in zip(*parts, strict=True)]

    def feed(self, request: object) -> dict[str, np.ndarray]:
        """The inputs of a request by name."""
        return {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs}

    def response(self, values: list[np.ndarray]) -> object:
        """The response with these outputs."""
        tensors = [
            pb_utils.Tensor(name, np.ascontiguousarray(value)) for name, value in zip(self.outputs, values, strict=True)
        ]
        return pb_utils.InferenceResponse(output_tensors=tensors)

    def answer(self, request):
        """The response to one request; a failure is answered as an error, never as an empty tensor."""
        try:
            return self.response(self.session.run(self.outputs, self.feed(request)))
        except Exception as error:  # One failed request must not end the server.
            return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(str(error)))
