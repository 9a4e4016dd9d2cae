"""Rules on the settings of the two `onnxruntime` backends in a configuration."""

import re
from collections.abc import Iterator

from profiler.triton.lint.model import Finding, Model

THREADS = ("intra_op_thread_count", "inter_op_thread_count")
SWITCHES = ("enable_mem_arena", "enable_mem_pattern")
LARGEST_INT, LARGEST_THREADS = 2**31 - 1, 4096
# The part of a text that the C++ backend parses as a number.
LEADING_INT = re.compile(r"\s*[+-]?[0-9]+")
CPU_ACCELERATORS, GPU_ACCELERATORS = ("openvino",), ("tensorrt", "cuda")
GRAPH_LEVELS = (-1, 0, 1, 2)


def session_rules(model: Model) -> Iterator[Finding]:
    """Rules on threads, execution mode, memory and graph level."""
    if not model.is_onnx:
        return
    given = {key: value.string_value for key, value in model.config.parameters.items()}
    for key in THREADS:
        if key in given:
            yield from thread_rules(model, key, given[key])
    mode = given.get("execution_mode", "0")
    if mode.strip() not in ("0", "1"):
        yield model.elsewhere("parameter", f"execution_mode is {mode!r}: choose '0' (sequential) or '1' (parallel)")
    for key in SWITCHES:
        if key in given and given[key].lower() not in ("true", "false", "1", "0"):
            yield model.elsewhere("parameter", f"{key} is {given[key]!r}: choose 'true' or 'false'")
    only_cpu = given.get("FORCE_CPU_ONLY_INPUT_TENSORS")
    if only_cpu is not None and only_cpu not in ("yes", "no"):
        yield model.error("parameter", f"FORCE_CPU_ONLY_INPUT_TENSORS is {only_cpu!r}: choose 'yes' or 'no'")
    level = model.config.optimization.graph.level
    if level not in GRAPH_LEVELS:
        yield model.warning("graph-level", f"optimization.graph.level {level} is read as 0: choose -1, 1 or 2")


def thread_rules(model: Model, key: str, text: str) -> Iterator[Finding]:
    """Rules on a number of threads in text form."""
    try:
        number = int(text) if len(text) < 20 else LARGEST_INT + 1
    except ValueError:
        number = None
    if number is None or not -LARGEST_INT <= number <= LARGEST_INT:
        yield model.error("parameter", f"{key} is {text!r}: write a whole number as a text, like '2'")
    elif number > LARGEST_THREADS:
        yield model.warning("parameter", f"{key} is {number}, and that many threads are started: choose fewer")
    elif number < 0:
        yield model.warning("parameter", f"{key} is {number}, read as 0, the number of cores: write '0'")
    if LEADING_INT.match(text) is None and number is not None:
        yield model.elsewhere("parameter", f"{key} is {text!r}, which the C++ backend cannot read: write it like '2'")


def accelerator_rules(model: Model) -> Iterator[Finding]:
    """Rules on execution accelerators; lint cannot know which ones a server's ONNX Runtime has."""
    if not model.is_onnx:
        return
    accelerators = model.config.optimization.execution_accelerators
    for kind, known in (("gpu", GPU_ACCELERATORS), ("cpu", CPU_ACCELERATORS)):
        for accelerator in getattr(accelerators, f"{kind}_execution_accelerator"):
            name = accelerator.name
            if name == "cuda":
                fix = "drop it: instances on a GPU use CUDA without it"
                yield model.error("accelerator", f"the Python-based server knows no accelerator 'cuda': {fix}")
            elif name in known:
                message = f"needs a server whose ONNX Runtime was built with {name}: others refuse the model"
                yield model.elsewhere("accelerator-needed", message, "warning")
            elif name in CPU_ACCELERATORS + GPU_ACCELERATORS:
                yield model.elsewhere("accelerator", f"{name!r} is no accelerator for the {kind}")
            else:
                yield model.error("accelerator", f"{kind} accelerator {name!r} is not known: choose {', '.join(known)}")
