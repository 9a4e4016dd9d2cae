"""What an open loop shows of a served model: its figures, and the raw moments that they stand on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from profiler.analysis.capacity_search import Growth
from profiler.analysis.statistics import CONFIDENCE
from profiler.load_generator.open_loop import OpenRun
from profiler.records.capacity import InTime, Trial

LATE_PART = 0.1


@dataclass(frozen=True)
class Measured:
    """A trial with its raw moments; `drift_share` is how far the machine's speed changed from its start to its end."""

    trial: Trial
    run: OpenRun
    growth: Growth
    reference_per_s: float
    drift_share: float
    server_cpu_s: float | None

    def raw(self) -> np.ndarray:
        """Scheduled, sent and answered moments (s), (requests, 3)."""
        return np.stack([self.run.scheduled_s, self.run.sent_s, self.run.answered_s], axis=1)


def summarise(run: OpenRun, grown: Growth, rates: tuple[float, float], deadlines_ms: Sequence[float]) -> Trial:
    """The trial's figures; its rates are as offered, in 1/s, and relative to the reference."""
    requests = len(run.scheduled_s)
    return Trial(
        offered_per_s=rates[0],
        relative_offered=rates[1],
        requests=requests,
        lost=requests - run.answered,
        in_time=tuple(in_time(run, deadline_ms) for deadline_ms in deadlines_ms),
        exploding=grown.unstable,
        reasons={"exploding": grown.why} if grown.unstable is None else {},
    )


def in_time(run: OpenRun, deadline_ms: float) -> InTime:
    """The share in time of all that was scheduled."""
    found = binomtest(run.in_time(deadline_ms / 1e3), len(run.scheduled_s))
    interval = found.proportion_ci(CONFIDENCE, method="exact")
    return InTime(
        deadline_ms=deadline_ms,
        in_time_share=float(found.statistic),
        low_share=float(interval.low),
        high_share=float(interval.high),
        late_send_share=run.late_sends(LATE_PART * deadline_ms / 1e3) / len(run.scheduled_s),
    )
