"""The steps by which the thesis makes a short stress test of a real trace (5.2.2).

The trace is scaled to a mean, and its volatility with it. A warm-up lets the demand grow from 0. After the warm-up a
macro trend raises or lowers the demand, which never falls below 0.
"""

import math

import numpy as np

from orchestrators.load.demand import checked_demand, checked_seconds
from profiler.common.errors import BadInputError

WAVES = 8
SHORTEST_PERIOD_S = 60.0


def random_sample(demand_rps: np.ndarray, seconds: int, seed: int | np.random.SeedSequence) -> np.ndarray:
    """Consecutive seconds of a demand, (seconds,), from a random start; the same ones for the same seed.

    Raises `BadInputError` where the demand is shorter.
    """
    demand, wanted = checked_demand(demand_rps), checked_seconds(seconds, "a sample")
    if wanted > len(demand):
        raise BadInputError(f"a sample of {wanted} s from a demand of {len(demand)} s: ask for at most {len(demand)} s")
    start = int(np.random.default_rng(seed).integers(len(demand) - wanted, endpoint=True))
    return demand[start : start + wanted]


def scaled_to_mean(demand_rps: np.ndarray, mean_rps: float) -> np.ndarray:
    """The demand scaled to the mean `mean_rps`; raises `BadInputError` for a demand of 0 in every second."""
    demand = checked_demand(demand_rps)
    if not (math.isfinite(mean_rps) and mean_rps >= 0):
        raise BadInputError(f"mean_rps={mean_rps}: a mean demand is a finite rate of at least 0")
    if not demand.any():
        raise BadInputError(f"a demand of 0 in all its {len(demand)} s cannot be scaled to a mean: take another sample")
    scaled: np.ndarray = demand / demand.mean() * mean_rps
    return scaled


def warmed_up(demand_rps: np.ndarray, warm_up_s: int) -> np.ndarray:
    """The demand, whose first `warm_up_s` seconds are scaled by a factor that grows linearly to 1."""
    demand = checked_demand(demand_rps)
    if not 0 <= warm_up_s <= len(demand):
        raise BadInputError(f"warm_up_s={warm_up_s}: the demand lasts {len(demand)} s, give 0 to {len(demand)}")
    return demand * np.minimum(1.0, np.arange(1, len(demand) + 1) / max(warm_up_s, 1))


def macro_trend(
    seconds: int,
    peak_rps: float,
    seed: int | np.random.SeedSequence,
    waves: int = WAVES,
    shortest_period_s: float = SHORTEST_PERIOD_S,
) -> np.ndarray:
    """A sum of random sinusoids, in requests/s for each second; the same one for the same seed.

    Amplitudes, phases, and frequencies up to 1 / `shortest_period_s` are uniformly distributed. The sum is shifted so
    that it starts at 0, and scaled so that its largest absolute value is `peak_rps`.
    """
    moments_s = np.arange(checked_seconds(seconds, "a trend"))
    if waves < 1 or not shortest_period_s > 0 or not (math.isfinite(peak_rps) and peak_rps >= 0):
        raise BadInputError(
            f"waves={waves}, shortest_period_s={shortest_period_s}, peak_rps={peak_rps}: give at least one wave, a "
            "period above 0, and a finite peak of at least 0"
        )
    generator = np.random.default_rng(seed)
    amplitudes = generator.uniform(0, 1, (waves, 1))
    frequencies_hz = generator.uniform(0, 1 / shortest_period_s, (waves, 1))
    phases = generator.uniform(0, 2 * math.pi, (waves, 1))
    wave: np.ndarray = (amplitudes * np.sin(2 * math.pi * frequencies_hz * moments_s + phases)).sum(axis=0)
    wave -= wave[0]
    wave *= peak_rps / (np.abs(wave).max() or 1.0)
    return wave


def manipulated(
    demand_rps: np.ndarray, mean_rps: float, warm_up_s: int = 0, trend_rps: np.ndarray | None = None
) -> np.ndarray:
    """The demand scaled to a mean and warmed up, with the trend added after the warm-up.

    `mean_rps` is the mean before warm-up and trend. A trend below the negative demand leaves 0. Raises `BadInputError`
    for a trend that does not cover every second after the warm-up.
    """
    demand = warmed_up(scaled_to_mean(demand_rps, mean_rps), warm_up_s)
    if trend_rps is None:
        return demand
    moved_s = len(demand) - warm_up_s
    trend = np.asarray(trend_rps, dtype=float)
    if trend.shape != (moved_s,) or not np.isfinite(trend).all():
        raise BadInputError(
            f"a trend of shape {trend.shape}: it is one finite change in requests/s for each of the {moved_s} s "
            "after the warm-up"
        )
    demand[warm_up_s:] = np.maximum(0.0, demand[warm_up_s:] + trend)
    return demand
