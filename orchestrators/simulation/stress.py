"""What steps of a stress test were too much for a policy."""

import numpy as np
from numpy.typing import NDArray

from orchestrators.load import Steps, overloaded_rps
from orchestrators.simulation.result import Result, TaskSeries


def overloaded_at(result: Result, steps: Steps) -> float | None:
    """The lowest rate, of each task, at which the requests of all tasks together were late; None where at none."""
    rates_rps = steps.rates_rps(result.seconds)
    counts = [in_steps(series, len(rates_rps)) for series in result.series.values()]
    sent, late = np.sum(counts, axis=0)
    return overloaded_rps(rates_rps, sent, late)


def in_steps(series: TaskSeries, steps: int) -> NDArray[np.float64]:
    """How many requests were sent in each of so many equal steps, and how many were not in time, (2, steps)."""
    sent = np.array(series.demand_rps)
    late = np.rint(sent * [share or 0.0 for share in series.not_in_time_share])
    found: NDArray[np.float64] = np.stack([sent, late]).reshape(2, steps, -1).sum(axis=2)
    return found
