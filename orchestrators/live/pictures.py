"""What clients send where nobody gives them pictures: the published example of a task, and its mirror images."""

from collections.abc import Sequence

import numpy as np

from porting.repository import Repository
from porting.repository.schema import Details
from porting.repository.variant_files import VariantFiles
from profiler.common.errors import BadInputError


def example(repository: Repository, task: str, details: Sequence[Details]) -> np.ndarray:
    """The published example of the first variant that has one, (C, H, W); raises `BadInputError` where none has."""
    for one in details:
        found = VariantFiles.of(repository, one.name).example()
        if found is not None:
            return found
    raise BadInputError(f"no example of {task} is published: give pictures")


def mirrored(picture: np.ndarray) -> np.ndarray:
    """The picture as it is and mirrored along each of its last two axes, (4, C, H, W); fewer for fewer axes."""
    pictures = [picture]
    for axis in range(max(0, picture.ndim - 2), picture.ndim):
        pictures += [np.flip(one, axis) for one in pictures]
    return np.ascontiguousarray(np.stack(pictures), np.float32)
