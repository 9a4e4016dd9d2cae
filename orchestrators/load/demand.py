"""What makes an array a demand."""

import numpy as np

from profiler.common.errors import BadInputError


def checked_demand(demand_rps: np.ndarray) -> np.ndarray:
    """The demand as floats; raises `BadInputError` where it is not one finite rate of at least 0 for each second."""
    demand = np.asarray(demand_rps, dtype=float)
    if demand.ndim != 1 or not len(demand):
        raise BadInputError(
            f"a demand of shape {demand.shape}: it is one rate in requests/s for each second, (seconds,)"
        )
    if len(wrong := np.flatnonzero(~(np.isfinite(demand) & (demand >= 0)))):
        second = int(wrong[0])
        raise BadInputError(
            f"a demand of {demand[second]:g} requests/s in second {second}: give 0 or a finite rate above"
        )
    return demand


def checked_seconds(seconds: int, what: str) -> int:
    """A whole number of at least one second; raises `BadInputError` otherwise."""
    if not float(seconds).is_integer() or seconds < 1:
        raise BadInputError(f"{what} of {seconds} s: demands are counted in whole seconds, at least 1")
    return int(seconds)
