"""A TorchScript program in its trial: it answers batches, and its memory is counted without computing.

torch's fake tensors have shapes and no values, and a program cannot distinguish them from others. A program may branch
on the batch, so only some batches are counted. The count fails where the program reads a value from a tensor.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from profiler.common.batching import MAX_BATCH
from profiler.common.errors import ModelError
from profiler.graph.shapes import UncountedError
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.served import ANSWERS_NAN

OPERATIONS, OPERATIONS_PER_S = 5_000, 200


def prepare() -> None:
    """Makes torch import the modules for counting, before the process is confined."""
    Program(torch.nn.Conv2d(1, 1, 1).eval(), (1, 1, 1)).activation_bytes(1)


class Program:
    """The `Network` of a program in evaluation mode."""

    batches: Sequence[int] = (3, 8, MAX_BATCH)
    # A network has some thousands of operations.
    counting_s = OPERATIONS * len(batches) / OPERATIONS_PER_S

    def __init__(self, program: Any, shape: tuple[int, ...]) -> None:
        self._program, self._shape = program, shape
        self._known: dict[int, Count] = {}

    def macs(self) -> int:
        """The counted multiply-accumulates for one input, 0 where they cannot be counted."""
        try:
            return self._count(1).flops // 2
        except UncountedError:
            return 0

    def activation_bytes(self, batch: int) -> int:
        """The bytes of all operators' outputs for a batch."""
        return self._count(batch).bytes

    def answer(self, batch: int) -> None:
        """Answers a batch; raises `ModelError` for values that are not finite."""
        answers = self._call(torch.from_numpy(sample_input(self._shape, batch)))
        if not bool(torch.isfinite(answers).all()):
            raise ModelError(f"it {ANSWERS_NAN}")

    def _call(self, images: torch.Tensor) -> torch.Tensor:
        # torch's optimisation takes longer than two answers.
        with torch.inference_mode(), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            answers: torch.Tensor = self._program(images)
        return answers

    def _count(self, batch: int) -> "Count":
        if batch not in self._known:
            try:
                with FakeTensorMode(allow_non_fake_inputs=True), Count() as count:
                    self._call(torch.empty(batch, *self._shape))
            except Exception as error:
                # An operator without support for fake tensors may raise any error.
                raise UncountedError(f"torch does not count it ({type(error).__name__})") from error
            self._known[batch] = count
        return self._known[batch]


class Count(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The bytes of all operators' outputs, and the FLOPs that torch counts."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        tensors = [one for one in tree_leaves(found) if isinstance(one, torch.Tensor)]
        self.bytes += sum(one.numel() * one.element_size() for one in tensors)
        if func._overloadpacket in flop_registry:
            self.flops += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=found)
        return found
