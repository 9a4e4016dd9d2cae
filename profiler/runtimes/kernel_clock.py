"""The times of a session's kernels by the clock of ONNX Runtime, and the graph that the session computes."""

import json
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime as ort

from profiler.runtimes.session import open_session

PROFILE, OPTIMISED, KERNEL = "kernels", "optimised.onnx", "_kernel_time"


@dataclass(frozen=True)
class Kernel:
    """A node of the optimised graph, by its name and its operator."""

    name: str
    operator: str


def clocked_session(content: bytes, threads: int, folder: Path) -> ort.InferenceSession:
    """A session whose kernels are timed; it writes the optimised graph and the times into the folder.

    Raises `ModelError` for a refused file.
    """
    options = ort.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(folder / PROFILE)
    options.optimized_model_filepath = str(folder / OPTIMISED)
    return open_session(content, threads, options=options)


def optimised_graph(folder: Path) -> onnx.GraphProto:
    """The graph that a session with this folder computes, with the fused nodes and the changes of layout."""
    return onnx.load(folder / OPTIMISED).graph


def kernel_us(session: ort.InferenceSession) -> dict[Kernel, list[int]]:
    """The time of every run in whole µs, rounded down, by kernel; the clock ends.

    A time contains that of the clock itself, about 2 µs.
    """
    found: dict[Kernel, list[int]] = {}
    for event in json.loads(Path(session.end_profiling()).read_text()):
        if event["cat"] == "Node" and event["name"].endswith(KERNEL):
            kernel = Kernel(event["name"].removesuffix(KERNEL), event["args"]["op_name"])
            found.setdefault(kernel, []).append(int(event["dur"]))
    return found
