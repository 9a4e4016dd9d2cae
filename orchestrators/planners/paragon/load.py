"""What a load demands: its peak over its median, what overflows so many requests/s, and how long that would wait."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import ceil, inf
from statistics import fmean, median

from profiler.common.errors import BadInputError

# Of a rate, so that rounding does not ask for another VM.
ROUNDING = 1e-9


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
        """1 for a constant load, also of 0; without end where only the median is 0."""
        if self.median_rps == 0:
            return inf if self.peak_rps else 1.0
        return self.peak_rps / self.median_rps

    @cached_property
    def ordered(self) -> tuple[list[float], list[float]]:
        """The rates in order, and from each on the sum of all that follow, itself included."""
        rates = sorted(self.rates_rps)
        return rates, [*reversed(list(accumulate(reversed(rates)))), 0.0]

    def overflow_rps(self, capacity_rps: float) -> float:
        """The mean rate above a capacity."""
        rates, sums = self.ordered
        first = bisect_right(rates, capacity_rps * (1 + ROUNDING))
        return (sums[first] - (len(rates) - first) * capacity_rps) / len(rates)

    def wait_s(self, capacity_rps: float) -> float:
        """The longest wait of what cannot be served at once, with the load repeated for ever."""
        if capacity_rps * (1 + ROUNDING) >= self.peak_rps:
            return 0.0
        if capacity_rps * (1 + ROUNDING) < self.mean_rps:
            return inf

        import numpy as np

        # The second time round starts with what the first left.
        excess = np.tile(np.asarray(self.rates_rps) - capacity_rps, 2) * self.step_s
        total = np.concatenate([[0.0], excess.cumsum()])
        return float((total - np.minimum.accumulate(total)).max()) / capacity_rps


def servers(rate_rps: float, each_rps: float) -> int:
    """How many carry a rate; where there is any, at least one."""
    return ceil(rate_rps / each_rps * (1 - ROUNDING))


def two_levels(median_rps: float, peak_rps: float, peak_share: float = 0.1, samples: int = 100) -> list[float]:
    """Rates of which a share is at the peak, in one piece, and the others at the median; raises `BadInputError`."""
    peaks = ceil(peak_share * samples - ROUNDING)
    if not 0 < peaks < samples / 2:
        raise BadInputError(f"peak_share={peak_share:g} of {samples} samples: it has to be above 0 and below a half")
    if not 0 <= median_rps <= peak_rps:
        raise BadInputError(f"a median of {median_rps:g} and a peak of {peak_rps:g}: 0 <= median <= peak")
    return [median_rps] * (samples - peaks) + [peak_rps] * peaks
