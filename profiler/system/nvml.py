"""The NVIDIA driver's own library, opened and closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pynvml


@contextmanager
def gpu_handles() -> Iterator[list[Any]]:
    """A handle for every GPU, in the driver's order; raises `pynvml.NVMLError` where there is no driver."""
    pynvml.nvmlInit()
    try:
        yield [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()
