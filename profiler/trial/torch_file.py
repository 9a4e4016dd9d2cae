"""The trial of a TorchScript program: a confined process tries it before any other process loads it."""

from collections.abc import Sequence
from pathlib import Path

from profiler.common.errors import ModelError
from profiler.common.files import sha256
from profiler.confined.parent import judged
from profiler.confined.protocol import TRUST, Finding, Task, trusted
from profiler.runtimes.torch_program import FIX, compiled, load_torch
from profiler.trial.arithmetic import beyond_arithmetic
from profiler.trial.batches import answer_few, check_larger
from profiler.trial.onnx_file import limits

COPIES = 8
MORE_THAN_ARITHMETIC = (
    f"which may do more than compute: it runs as an ONNX file only, unless you trust it and set {TRUST}=1"
)
# The digests of the programs that passed, with the shape of their inputs.
_vetted: set[tuple[str, tuple[int, ...]]] = set()


def vetted(path: Path, shape: tuple[int, ...]) -> str:
    """The sha256 of a program that only computes, and answers inputs of this shape within the limits of a trial.

    Raises `ModelError` for any other program, unless the user trusts it.
    """
    allowed = limits(path, COPIES)
    digest = sha256(path)
    if not trusted() and (digest, shape) not in _vetted:
        judged(path, Task("profiler.trial.torch_file.judge", {"shape": shape}), allowed, FIX)
        _vetted.add((digest, shape))
    return digest


def prepare() -> None:
    """Imports torch before the process is confined."""
    load_torch()
    # This module imports torch, which a plain install does not have.
    from profiler.trial import torch_network

    torch_network.prepare()


def judge(content: bytes, shape: Sequence[int]) -> Finding:
    """The finding about a program; runs in the confined process."""
    from profiler.trial.torch_network import Program

    program, unit = compiled(load_torch(), content, "cpu")
    network = Program(program, tuple(shape))
    took_s = answer_few(network)
    if found := beyond_arithmetic(unit):
        raise ModelError(f"it uses {found}, {MORE_THAN_ARITHMETIC}")
    check_larger(network, took_s)
    return Finding()
