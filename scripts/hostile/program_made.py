"""TorchScript programs for hostile changes."""

import linecache
import warnings
from pathlib import Path
from typing import Any

from hostile.door import inside

GOOD = "return self.fc(x.mean(dim=[2, 3]))"
# The program gives the answers of the ONNX file beside it.
ONES = "        torch.nn.init.ones_(self.fc.weight)\n        torch.nn.init.zeros_(self.fc.bias)\n"
INNER = (
    "class Inner(torch.nn.Module):\n    weight: torch.Tensor\n"
    "    def __init__(self):\n        super().__init__()\n        self.weight = torch.ones(3, 1)\n"
    "    def forward(self, x):\n        return torch.nn.functional.linear(x, self.weight)\n"
    "    @torch.jit.export\n    def __getstate__(self):\n        return (self.weight, self.training)\n"
    "    @torch.jit.export\n    def __setstate__(self, s: Tuple[torch.Tensor, bool]):\n"
    "        self.weight = s[0]\n        self.training = s[1]\n        x = s[0]\n"
)


def program(case: Path, forward: str, restored: str = "", before: str = "") -> None:
    """A scripted module with that body of `forward`, and optionally that body of `__setstate__`."""
    import torch

    path = inside(case, "model.pt")
    module = path.with_name("made_program.py")
    module.write_text(source_of(forward, restored, before))
    names: dict[str, Any] = {"__name__": "made_program", "__file__": str(module)}
    exec(compile(module.read_text(), str(module), "exec"), names)
    linecache.checkcache()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(names["Network"]()).save(str(path))
    module.unlink()


def source_of(forward: str, restored: str, before: str) -> str:
    inner = f"{INNER}        {restored}\n" if restored else ""
    return (
        f"import torch\nfrom typing import Tuple, List, Dict\n{inner}"
        "class Network(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.fc = {'Inner()' if restored else 'torch.nn.Linear(1, 3)'}\n{'' if restored else ONES}"
        f"    def forward(self, x):\n{before}        {forward}\n"
    )


def same_network() -> bytes:
    """The mean over the picture, three times, as an ONNX file."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    values = helper.make_tensor_value_info
    tensors = [
        numpy_helper.from_array(np.ones((3, 1), np.float32), "w"),
        numpy_helper.from_array(np.zeros(3, np.float32), "b"),
    ]
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [values("input", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [values("logits", TensorProto.FLOAT, ["batch", 3])],
        tensors,
    )
    data: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    ).SerializeToString()
    return data
