"""How long single batches take, drawn around the median."""

from collections.abc import Callable, Iterator, Sequence
from math import exp

import numpy as np

from orchestrators.simulation.station import Service

AT_ONCE = 4096


def normals(generator: np.random.Generator) -> Callable[[], float]:
    """Standard normal deviates one by one."""

    def endless() -> Iterator[float]:
        while True:
            yield from generator.normal(size=AT_ONCE).tolist()

    return endless().__next__


def sampled(service_s: Sequence[float], spread: float, normal: Callable[[], float]) -> Service:
    """Log-normal around the median of each size; always the median where there is no spread."""
    if spread == 0:
        return service_s.__getitem__
    return lambda size: service_s[size] * exp(spread * normal())
