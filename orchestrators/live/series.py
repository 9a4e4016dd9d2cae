"""The series by second of a live run, for its picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from orchestrators.live.run import Requests, Run


@dataclass(frozen=True)
class TaskSeries:
    """The figures of a task by the second in which requests were scheduled, each array (seconds,).

    Percentiles are of right answers, NaN without any; `unanswered` counts lost requests and wrong answers. `served` has
    each variant's share of the right answers.
    """

    demand_rps: np.ndarray
    p50_ms: np.ndarray
    p99_ms: np.ndarray
    late: np.ndarray
    unanswered: np.ndarray
    served: Mapping[str, np.ndarray]


def task_series(requests: Requests, seconds: int, deadline_ms: float) -> TaskSeries:
    """The series of one task."""
    second = requests.scheduled_s.astype(np.int64)

    def count(mask: np.ndarray) -> np.ndarray:
        return np.bincount(second[mask], minlength=seconds).astype(float)

    right = requests.right
    answered = count(right)
    p50_ms, p99_ms = quantiles(second[right], requests.latency_s[right] * 1e3, seconds)
    shares = {
        variant: np.divide(count(requests.answer == place), answered, out=np.zeros(seconds), where=answered > 0)
        for place, variant in enumerate(requests.variants)
    }
    return TaskSeries(
        demand_rps=count(np.ones_like(right)),
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        late=count(right & (requests.latency_s * 1e3 > deadline_ms)),
        unanswered=count(~right),
        served=shares,
    )


def quantiles(second: np.ndarray, latency_ms: np.ndarray, seconds: int) -> tuple[np.ndarray, np.ndarray]:
    """The median and the 99th percentile of each second."""
    found = np.full((2, seconds), np.nan)
    order = np.argsort(second, kind="stable")
    ends = np.searchsorted(second[order], np.arange(seconds + 1))
    for place, (begin, end) in enumerate(pairwise(ends.tolist())):
        if begin < end:
            found[:, place] = np.quantile(latency_ms[order[begin:end]], [0.5, 0.99])
    return found[0], found[1]


def cpu_series(run: Run) -> dict[str, np.ndarray]:
    """The CPU share of each server by second, NaN where the journal has none, (seconds,)."""
    found: dict[str, np.ndarray] = {}
    for one in run.watched:
        shares = found.setdefault(one.server, np.full(run.traffic.seconds, np.nan))
        # A second's entry has the moment of its end, and is drawn from its start.
        shares[int(one.moment_s - 0.5 - run.traffic.start_s)] = one.cpu_share
    return found


def ranked(runs: Sequence[Run], task: str) -> list[str]:
    """The variants that answered in any of the runs, the least accurate first; all variants where none did."""
    accuracy = {
        variant: run.accuracy[variant]
        for run in runs
        if task in run.traffic.tasks
        for place, variant in enumerate(run.traffic.tasks[task].variants)
        if (run.traffic.tasks[task].answer == place).any()
    }
    if not accuracy:
        accuracy = {one: run.accuracy[one] for run in runs for one in run.traffic.tasks[task].variants}
    return sorted(accuracy, key=lambda variant: (accuracy[variant], variant))
