"""A linter for Triton model repositories, which needs no server."""

from profiler.triton.lint.model import Finding
from profiler.triton.lint.repository import lint

__all__ = ["Finding", "lint"]
