"""The inputs for measurements: their shapes and values."""

import math
from collections.abc import Sequence

import numpy as np

from profiler.common.errors import BadInputError, ModelError
from profiler.common.target import Tensor

SEED = 0
# A colour picture of 1,448 by 1,448.
LARGEST_TENSOR = 3 << 21


def check_size(name: str, shape: Sequence[int]) -> None:
    """Raises `ModelError` for an input or output tensor with too many values to be measured in batches."""
    if math.prod(abs(axis) for axis in shape) > LARGEST_TENSOR:
        raise ModelError(f"tensor {name} of shape {list(shape)} has more than {LARGEST_TENSOR:,} values: export less")


def input_shapes(tensor: Tensor, sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """The shapes to measure, without the batch axis: the graph's own, or one for each size if its axes are open.

    Raises `BadInputError` where axes are open and no size is given.
    """
    if -1 not in tensor.shape:
        return [tensor.shape]
    if not sizes:
        raise BadInputError(
            f"the graph leaves the size of input {tensor.name!r} {tensor.shape} open: "
            "name the sizes to measure with profile.latency.input_sizes=[224,...]"
        )
    shapes = [tuple(size if axis == -1 else axis for axis in tensor.shape) for size in sizes]
    for shape in shapes:
        check_size(repr(tensor.name[:64]), shape)
    return shapes


def sample_input(shape: tuple[int, ...], batch: int) -> np.ndarray:
    """Seeded standard normal values, float32 (batch, *shape)."""
    return np.random.default_rng(SEED).standard_normal((batch, *shape), dtype=np.float32)
