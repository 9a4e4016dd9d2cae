"""What a capacity has to meet, and what a trial shows of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.analysis.capacity_search import Outcome
from profiler.analysis.statistics import samples_for_percentile
from profiler.measure.capacity.load_point import generator_was_late
from profiler.records.capacity import InTime, Trial

# A trial of twice the least number of requests passes with one late request among them.
LONGEST, TRIAL_REQUESTS = 4, 2
# The least ratio of a task's deadlines to the latency of its slowest variant, and the digits of a deadline.
LEAST_RATIO, DIGITS, USUAL_DEADLINES = 2, (1, 2, 5), 3


def usual_deadlines_ms(slowest_ms: float) -> list[float]:
    """Three deadlines in ms for a task whose slowest variant answers a single request in this time.

    They are the next numbers of the series 1, 2, 5, 10 … from twice that time on.
    """
    decade = math.floor(math.log10(LEAST_RATIO * slowest_ms))
    # A negative power of ten is no binary number, so the numbers are read from their decimal form.
    series = (float(f"{digit}e{place}") for place in range(decade, decade + 3) for digit in DIGITS)
    return [value for value in series if value >= LEAST_RATIO * slowest_ms][:USUAL_DEADLINES]


@dataclass(frozen=True)
class Goal:
    """The share `quantile` within `deadline_ms`, where a single request takes `latency_ms`; `seconds` for a trial."""

    deadline_ms: float
    latency_ms: float
    quantile: float
    seconds: float

    @property
    def unreachable(self) -> bool:
        """Whether half of all requests are late at every rate."""
        return self.deadline_ms <= self.latency_ms

    def of(self, trial: Trial) -> InTime | None:
        """What a trial showed of this deadline, `None` where it looked at others."""
        return next((one for one in trial.in_time if one.deadline_ms == self.deadline_ms), None)

    def met(self, trial: Trial) -> bool:
        """Whether the lower end of the share in time reaches the quantile, and the queue is not unstable.

        An unstable queue can meet the deadline during a short trial.
        """
        found = self.of(trial)
        return found is not None and found.low_share >= self.quantile and trial.exploding is not True

    def late(self, trial: Trial) -> bool:
        """Whether the load generator was late itself, so that the trial tells nothing, a passed one neither."""
        found = self.of(trial)
        return found is not None and generator_was_late(found, self.quantile)

    def decided(self, trial: Trial) -> bool:
        """Whether the trial had enough requests to pass, or its share is surely above or below the quantile."""
        found = self.of(trial)
        enough = trial.requests >= samples_for_percentile(self.quantile)
        return found is not None and (enough or not found.low_share <= self.quantile <= found.high_share)

    def outcomes(self, trials: Sequence[Trial], relative: bool = True) -> list[Outcome]:
        """What the trials say of the server, by their rates relative to the reference or as offered."""
        return [
            Outcome(trial.relative_offered if relative else trial.offered_per_s, self.met(trial))
            for trial in trials
            if not self.late(trial)
        ]

    def guess(self, max_per_s: float) -> float:
        """The rate at which a queue before one server with constant times would just be in time.

        P(wait > t) ≈ exp(−2 (1 − ρ) t μ / ρ), the heavy-traffic limit (Kingman 1962) for Poisson arrivals.
        """
        spare_s = (self.deadline_ms - self.latency_ms) / 1e3
        odds = 2 * spare_s * max_per_s / -math.log(1 - self.quantile)
        return max_per_s * odds / (1 + odds)

    def trial_seconds(self, rate_per_s: float) -> float:
        """Long enough to bound the quantile, within limits."""
        needed_s = TRIAL_REQUESTS * samples_for_percentile(self.quantile) / rate_per_s
        return min(max(self.seconds, needed_s), LONGEST * self.seconds)
