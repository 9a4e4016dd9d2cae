"""The latency of one batch."""

from typing import ClassVar, Literal

from pydantic import Field

from profiler.records.base import Count, Timed
from profiler.records.place import pixels


class LatencyPoint(Timed):
    """The time of one warm, full batch in a closed loop of `concurrency` callers, in undisturbed slices.

    `input_shape` leaves the batch axis out. `instances` is 1 inside the profiler's own process. A percentile is known
    where `n` samples bound it at 99 % confidence, and its `bound` is that bound. The other ends are those of a 95 %
    interval, which contains the machine's drift between moments. `relative_p50` is the median in inferences of the
    reference network in the same moments: it compares networks, as drift meets both alike. The medians are over all
    visits, which lie apart; a disturbed visit has none. Everything else is of the first one. A queue is not part of a
    closed loop's latency: `LoadPoint` has it.
    """

    identity: ClassVar[tuple[str, ...]] = (
        "runtime", "batch", "cores", "threads", "instances", "concurrency", "input_shape",
    )  # fmt: skip
    offered: Literal["closed loop"] = "closed loop"
    batch: Count
    concurrency: Count
    input_shape: tuple[int, ...]
    visit_p50_ms: tuple[float | None, ...]
    visit_relative_p50: tuple[float | None, ...]
    n: int = Field(ge=1)
    mean_ms: float = Field(gt=0)
    sd_ms: float | None = Field(ge=0)
    p50_ms: float | None = Field(gt=0)
    p50_low_ms: float | None = Field(gt=0)
    p50_high_ms: float | None = Field(gt=0)
    relative_p50: float | None = Field(gt=0)
    low_relative_p50: float | None = Field(gt=0)
    high_relative_p50: float | None = Field(gt=0)
    p90_ms: float | None = Field(gt=0)
    p90_low_ms: float | None = Field(gt=0)
    p90_high_ms: float | None = Field(gt=0)
    p90_bound_ms: float | None = Field(gt=0)
    p95_ms: float | None = Field(gt=0)
    p95_low_ms: float | None = Field(gt=0)
    p95_high_ms: float | None = Field(gt=0)
    p95_bound_ms: float | None = Field(gt=0)
    p99_ms: float | None = Field(gt=0)
    p99_low_ms: float | None = Field(gt=0)
    p99_high_ms: float | None = Field(gt=0)
    p99_bound_ms: float | None = Field(gt=0)

    def is_disturbed(self) -> bool:
        """Whether every visit was disturbed."""
        return all(one is None for one in self.visit_p50_ms)

    @property
    def pixels(self) -> int:
        """The height times the width of the input."""
        return pixels(self.input_shape)
