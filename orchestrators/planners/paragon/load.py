"""A load with its peak-to-median ratio, its overflow above a capacity, and the waiting time of the overflow."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import ceil, inf
from statistics import fmean, median

import numpy as np

from orchestrators.planners.common import ROUNDING
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Load:
    """Rates in requests/s at equally long samples."""

    rates_rps: Sequence[float]
    step_s: float

    @cached_property
    def median_rps(self) -> float:
        """The median rate."""
        return median(self.rates_rps)

    @cached_property
    def mean_rps(self) -> float:
        """The mean rate."""
        return fmean(self.rates_rps)

    @cached_property
    def peak_rps(self) -> float:
        """The highest rate."""
        return max(self.rates_rps)

    @property
    def peak_to_median(self) -> float:
        """The peak over the median; 1 for a load of 0, infinite where only the median is 0."""
        if self.median_rps == 0:
            return inf if self.peak_rps else 1.0
        return self.peak_rps / self.median_rps

    @cached_property
    def ordered(self) -> tuple[list[float], list[float]]:
        """The sorted rates, and for each the sum of it and all higher ones."""
        rates = sorted(self.rates_rps)
        return rates, [*reversed(list(accumulate(reversed(rates)))), 0.0]

    def overflow_rps(self, capacity_rps: float) -> float:
        """The mean rate above a capacity."""
        rates, sums = self.ordered
        first = bisect_right(rates, capacity_rps * (1 + ROUNDING))
        return (sums[first] - (len(rates) - first) * capacity_rps) / len(rates)

    def wait_s(self, capacity_rps: float) -> float:
        """The longest wait in s of the overflow, with the load repeated for ever."""
        if capacity_rps * (1 + ROUNDING) >= self.peak_rps:
            return 0.0
        if capacity_rps * (1 + ROUNDING) < self.mean_rps:
            return inf
        # The second repetition starts with the backlog of the first.
        excess = np.tile(np.asarray(self.rates_rps) - capacity_rps, 2) * self.step_s
        total = np.concatenate([[0.0], excess.cumsum()])
        return float((total - np.minimum.accumulate(total)).max()) / capacity_rps


def two_levels(median_rps: float, peak_rps: float, peak_share: float = 0.1, samples: int = 100) -> list[float]:
    """Rates at two levels, with `peak_share` of the samples at the peak, at the end.

    Raises `BadInputError` for a share of half or more, and for a peak below the median.
    """
    peaks = ceil(peak_share * samples - ROUNDING)
    if not 0 < peaks < samples / 2:
        raise BadInputError(f"peak_share={peak_share:g} of {samples} samples: it has to be above 0 and below a half")
    if not 0 <= median_rps <= peak_rps:
        raise BadInputError(f"a median of {median_rps:g} and a peak of {peak_rps:g}: 0 <= median <= peak")
    return [median_rps] * (samples - peaks) + [peak_rps] * peaks
