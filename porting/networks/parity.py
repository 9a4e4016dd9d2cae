"""The check that an exported form of a network gives the same answers as the network."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from profiler.common.errors import DnnPortingError

PARITY_BATCHES = (1, 3, 8)


def check_answers(
    form: str,
    answer: Callable[[np.ndarray], np.ndarray],
    model: nn.Module,
    shape: tuple[int, int, int],
    tolerance: float,
) -> None:
    """Raises `DnnPortingError` where an output of the form differs by more than `tolerance` of the range of outputs.

    `form` is its name in messages.
    """
    for batch in PARITY_BATCHES:
        images = np.random.default_rng(batch).standard_normal((batch, *shape), dtype=np.float32)
        with torch.no_grad():
            expected = model(torch.from_numpy(images)).numpy()
        answers = answer(images)
        same_shape = answers.shape == expected.shape
        error = float(np.abs(answers - expected).max() / (np.ptp(expected) or 1.0)) if same_shape else float("inf")
        if not error <= tolerance:
            raise DnnPortingError(
                f"the {form} differs from the network by {error:.1e} of its range at batch {batch}, "
                f"more than export.tolerance={tolerance:g}"
            )
