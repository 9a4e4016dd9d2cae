"""A served model under Poisson arrivals: answers in time, their cost, and the load at which its queue is unstable.

docs/metadata.md explains every field of the published records.
"""

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field

from profiler.records.base import Count, Record, Timed, Verdict


class InTime(Record):
    """The share of requests answered in time, lost ones not, with its 95 % interval by Clopper and Pearson (1934)."""

    deadline_ms: float = Field(gt=0)
    in_time_share: float = Field(ge=0, le=1)
    low_share: float = Field(ge=0, le=1)
    high_share: float = Field(ge=0, le=1)
    late_send_share: float = Field(ge=0, le=1)


class Trial(Record):
    """One open loop: `requests` were scheduled at `offered_per_s`, however many were unanswered.

    `relative_offered` is that rate in requests for each inference of the reference network beside. `lost` requests
    had no answer at the end of the wait, or were not sent because the backlog had reached its limit. `exploding` says
    whether the queue was unstable.
    """

    offered_per_s: float = Field(gt=0)
    relative_offered: float = Field(gt=0)
    requests: int = Field(ge=1)
    lost: int = Field(ge=0)
    in_time: tuple[InTime, ...] = Field(min_length=1)
    exploding: bool | None


class LoadPoint(Trial, Timed):
    """The behaviour at a share of the maximal throughput; latencies count from the scheduled moment.

    `load_share` is of the maximum at the machine's present speed; `max_requests_per_s` is that maximum as it was
    measured. CPU use is that of the serving processes, idle work included, from the first request to the last
    answer; `cpu_share` is of the given cores. `slope` is the growth of the latency (s per s) with its 95 % interval:
    0 where the queue is stable, the excess of the load over the capacity where it is not (thesis, figure 5.10).
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances", "load_share")
    offered: Literal["Poisson"] = "Poisson"
    batch: Count
    load_share: float = Field(gt=0)
    max_requests_per_s: float = Field(gt=0)
    answered: int = Field(ge=0)
    p50_ms: float | None = Field(gt=0)
    p90_ms: float | None = Field(gt=0)
    p95_ms: float | None = Field(gt=0)
    p99_ms: float | None = Field(gt=0)
    server_cores_used: float | None = Field(ge=0)
    cpu_share: float | None = Field(ge=0)
    core_s_per_inference: float | None = Field(ge=0)
    slope: float | None
    low_slope: float | None
    high_slope: float | None
    verdict: Verdict
    verdict_reason: str

    def trial(self) -> Trial:
        """The trial in this load point: its rate, its requests, and its shares in time."""
        return Trial(
            offered_per_s=self.offered_per_s,
            relative_offered=self.relative_offered,
            requests=self.requests,
            lost=self.lost,
            in_time=self.in_time,
            exploding=self.exploding,
            reasons={name: why for name, why in self.reasons.items() if name == "exploding"},
        )


class Capacity(Timed):
    """The highest Poisson rate of which the share `quantile` is answered within the deadline by a stable queue.

    The default deadlines are common to all variants of a task on a target, so that variants compare at each. The
    bounds are a bracket, not a confidence interval: the highest rate below which every trial was in time, and the
    lowest above which none was; trials that contradict each other widen it. `trials` were made for this point; load
    points and other capacities of the same resources count too. A trial lasts some seconds, and a queue near its
    capacity takes longer to fill, so the capacity at a loose deadline tends to be too high. The relative figures
    count the requests for each inference of the reference network beside; the others are as offered.
    """

    identity: ClassVar[tuple[str, ...]] = (
        "runtime", "batch", "cores", "threads", "instances", "deadline_ms", "quantile",
    )  # fmt: skip
    offered: Literal["Poisson"] = "Poisson"
    batch: Count
    deadline_ms: float = Field(gt=0)
    quantile: float = Field(gt=0, lt=1)
    requests_per_s: float | None = Field(gt=0)
    low_requests_per_s: float | None = Field(gt=0)
    high_requests_per_s: float | None = Field(gt=0)
    relative_capacity: float | None = Field(gt=0)
    low_relative_capacity: float | None = Field(gt=0)
    high_relative_capacity: float | None = Field(gt=0)
    max_throughput_share: float | None = Field(gt=0)
    trials: tuple[Trial, ...]
    verdict: Verdict
    verdict_reason: str


def deadlines_ms(points: Iterable[LoadPoint | Capacity]) -> list[float]:
    """The deadlines in ms of these points, ascending; every trial looks at all deadlines of its part."""
    found = set[float]()
    for point in points:
        trials: Iterable[Trial] = point.trials if isinstance(point, Capacity) else [point]
        found |= {one.deadline_ms for trial in trials for one in trial.in_time}
        found |= {point.deadline_ms} if isinstance(point, Capacity) else set()
    return sorted(found)
