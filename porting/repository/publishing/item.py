"""What is offered for publication."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porting.repository.schema import Details


@dataclass(frozen=True)
class Item:
    """A candidate for publication: its details, its place in its family, and its ONNX file.

    `example` is a real input (C, H, W) to warm a server up with, where one is known.
    """

    details: Details
    parent: str | None
    technique: list[str]
    onnx: Path
    example: NDArray[np.float32] | None = None
