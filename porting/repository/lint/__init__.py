"""What a Triton server would refuse or regret in a model repository, found without one."""

from porting.repository.lint.finding import Finding
from porting.repository.lint.repository import lint

__all__ = ["Finding", "lint"]
