"""The rates of a reference network on one machine, from which a disturbed moment and the machine's drift are read."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from profiler.records.base import NormalRate

# Most readings of a mostly quiet machine lie below this quantile of them by less than their noise.
NORMAL_QUANTILE = 0.75
# The reference runs slower than this share of its normal rate only where something else takes its time.
FALLEN_SHARE = 0.85
# No run is long enough to show how a machine's speed changes from hour to hour, so none is taken to be steadier.
LEAST_DRIFT_SD = 0.015
FEWEST_READINGS = 3


@dataclass
class Speeds:
    """The undisturbed readings (1/s) of one reference on one machine, those of earlier profiles among them."""

    readings_per_s: list[float] = field(default_factory=list)

    def add(self, readings_per_s: Iterable[float]) -> None:
        """Notes readings of moments that lie apart."""
        self.readings_per_s += readings_per_s

    def normal_per_s(self, now_per_s: Iterable[float] = ()) -> float:
        """The normal rate, from these readings and those of this moment."""
        return float(np.quantile([*self.readings_per_s, *now_per_s], NORMAL_QUANTILE))

    def fallen(self, now_per_s: Iterable[float]) -> list[bool]:
        """Whether the reference has fallen off at each reading of this moment."""
        now = list(now_per_s)
        least = FALLEN_SHARE * self.normal_per_s(now) if now else 0.0
        return [one < least for one in now]

    def drift_sd(self) -> float:
        """The relative standard deviation of the machine's speed between undisturbed moments that lie apart.

        The first readings are known to be disturbed only when the normal rate is known.
        """
        fallen = self.fallen(self.readings_per_s)
        rates = [one for one, low in zip(self.readings_per_s, fallen, strict=True) if not low]
        if len(rates) < FEWEST_READINGS:
            return LEAST_DRIFT_SD
        return max(LEAST_DRIFT_SD, float(np.std(np.log(rates), ddof=1)))

    def learnt(self) -> NormalRate | None:
        """The normal rate with its standard error and the drift, `None` before the first reading."""
        count = len(self.readings_per_s)
        if not count:
            return None
        drift_sd_share = self.drift_sd()
        error_share = drift_sd_share / math.sqrt(count)
        return NormalRate(
            per_s=self.normal_per_s(),
            readings=count,
            standard_error_share=error_share,
            drift_sd_share=drift_sd_share,
        )
