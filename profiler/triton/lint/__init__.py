"""What a Triton server would refuse or regret in a model repository, found without one."""

from profiler.triton.lint.model import Finding
from profiler.triton.lint.repository import lint

__all__ = ["Finding", "lint"]
