"""The memory of a model, and the largest batch within a given memory."""

from typing import ClassVar, Literal

from pydantic import Field

from profiler.records.base import Count, Point, Record
from profiler.records.place import Source

Outcome = Literal["fits", "over the limit", "out of memory", "too slow", "refused"]


class Usage(Record):
    """The use of a process and its descendants, summed; CPU time and switches count since each process began."""

    processes: int
    cpu_s: float
    rss_bytes: int
    uss_bytes: int | None
    pss_bytes: int | None
    peak_bytes: int | None
    involuntary_switches: int | None


class MemoryPoint(Point):
    """The memory of the processes that answer `batch`: on the host, and on its GPUs where the providers use them.

    `source` is the server, which divides shared memory among its processes, or a process for this batch alone.
    """

    identity: ClassVar[tuple[str, ...]] = ("source", "runtime", "batch", "cores", "threads", "instances")
    source: Source
    batch: Count
    resident_bytes: int | None = Field(gt=0)
    model_bytes: int | None
    peak_bytes: int | None = Field(gt=0)
    gpu_bytes: int | None = Field(ge=0)


class BatchTrial(Record):
    """One batch that was tried under the limit; `peak_bytes` of a failed process is the highest observed value."""

    batch: Count
    outcome: Outcome
    peak_bytes: int | None = Field(gt=0)
    seconds: float = Field(gt=0)


class LargestBatch(Point):
    """The largest batch that a process answers within `limit_bytes`; `too_large` is the smallest that did not fit."""

    identity: ClassVar[tuple[str, ...]] = ("runtime", "limit_bytes", "cores", "threads", "instances")
    limit_bytes: int | None = Field(gt=0)
    batch: Count | None
    peak_bytes: int | None = Field(gt=0)
    too_large: int | None = Field(ge=1)
    too_large_peak_bytes: int | None = Field(gt=0)
    trials: tuple[BatchTrial, ...]
