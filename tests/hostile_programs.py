"""TorchScript files that do more than compute."""

import importlib.util
import warnings
from pathlib import Path

import torch

SOURCE = """
import torch
from typing import Tuple

class Program(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(3, 2))

    @torch.jit.export
    def __getstate__(self):
        return (self.w, self.training)

    @torch.jit.export
    def __setstate__(self, state: Tuple[torch.Tensor, bool]):
        self.w = state[0]
        self.training = state[1]
        {loading}

    def forward(self, x):
        {running}
        return x.mean(dim=[2, 3]) @ self.w
"""
ENDLESS = "i = 0\n        while i >= 0: i = i % 5"


def write(path: Path, loading: str = "pass", running: str = "pass") -> Path:
    """A program from (N, 3, H, W) to (N, 2) that does this while it is loaded, and that with every call."""
    source = path.with_suffix(".py")
    source.write_text(SOURCE.format(loading=loading, running=running))
    spec = importlib.util.spec_from_file_location(f"hostile_{path.stem}", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
        torch.jit.save(torch.jit.script(module.Program()), path)
    return path


def writes(path: Path) -> str:
    """Puts 16 bytes of its own choice into a file."""
    return f't = torch.from_file("{path}", shared=True, size=4); t.fill_(1.0); self.w = t.reshape(2, 2)'


def saves(path: Path) -> str:
    return f'torch.save(torch.ones(2), "{path}")'


def exploding(batch: int) -> str:
    """10^10 zeros from a batch on."""
    return f"x = x + torch.zeros([(x.size(0) // {batch}) * 10000000000]).sum()"


# Nobody can count what depends on a number in a tensor.
UNCOUNTED = "x = x + float(x.sum().item() > 1e9)"
