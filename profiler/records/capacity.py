"""A served model under Poisson arrivals: answers in time, their cost, and the load at which its queue is unstable.

docs/metadata.md explains every field of the published records.
"""

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
    """One open loop of `requests` at `offered_per_s`; `exploding` says whether the queue was unstable."""

    offered_per_s: float = Field(gt=0)
    corrected_offered_per_s: float = Field(gt=0)
    requests: int = Field(ge=1)
    lost: int = Field(ge=0)
    in_time: tuple[InTime, ...] = Field(min_length=1)
    exploding: bool | None


class LoadPoint(Trial, Timed):
    """The behaviour at a share of the maximal throughput; latencies count from the scheduled moment.

    The slope of the latency is 0 for a stable queue, else the excess over the capacity (thesis, figure 5.10).
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
        fields = {name: getattr(self, name) for name in Trial.model_fields}
        reasons = {name: why for name, why in self.reasons.items() if name in fields}
        return Trial(**fields | {"reasons": reasons})


class Capacity(Timed):
    """The highest Poisson rate of which the share `quantile` is answered within the deadline by a stable queue.

    The bounds are a bracket, not a confidence interval. A trial lasts some seconds, and a queue near its capacity takes
    longer to fill, so the capacity at a loose deadline tends to be too high.
    """

    identity: ClassVar[tuple[str, ...]] = (
        "runtime", "batch", "cores", "threads", "instances", "deadline_multiple", "quantile",
    )  # fmt: skip
    offered: Literal["Poisson"] = "Poisson"
    batch: Count
    deadline_multiple: float = Field(gt=1)
    deadline_ms: float = Field(gt=0)
    quantile: float = Field(gt=0, lt=1)
    requests_per_s: float | None = Field(gt=0)
    low_requests_per_s: float | None = Field(gt=0)
    high_requests_per_s: float | None = Field(gt=0)
    corrected_requests_per_s: float | None = Field(gt=0)
    corrected_low_requests_per_s: float | None = Field(gt=0)
    corrected_high_requests_per_s: float | None = Field(gt=0)
    max_throughput_share: float | None = Field(gt=0)
    trials: tuple[Trial, ...]
    verdict: Verdict
    verdict_reason: str
