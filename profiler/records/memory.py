"""How much memory a model takes, and how large a batch a given memory holds."""

from typing import ClassVar, Literal

from pydantic import Field

from profiler.records.base import Count, Point, Record
from profiler.records.place import Source

Outcome = Literal["fits", "over the limit", "out of memory", "too slow", "refused"]


class Usage(Record):
    """A process and its descendants, summed; CPU time and switches count since each process began.

    `rss_bytes` counts a shared page once for each process, `pss_bytes` shares it out, `uss_bytes` leaves it out.
    `peak_bytes` sums each process's own highest resident size, which they need not reach together.
    """

    processes: int
    cpu_s: float
    rss_bytes: int
    uss_bytes: int | None
    pss_bytes: int | None
    peak_bytes: int | None
    involuntary_switches: int | None


class MemoryPoint(Point):
    """Memory on the host, and on its GPUs where the providers use them, of the processes that answer `batch`.

    `source` is the server with all its processes, where memory that several processes use is shared out among
    them, or a process of its own that answers this batch and does nothing else, with all that it uses.
    `resident_bytes` is theirs when the model has answered, `model_bytes` what of that was not there before the
    model was. `peak_bytes` is the most that they held while answering; processes that peak at different moments
    are added up as if they had peaked together.
    """

    identity: ClassVar[tuple[str, ...]] = ("source", "runtime", "batch", "cores", "threads", "instances")
    source: Source
    batch: Count
    resident_bytes: int | None = Field(gt=0)
    model_bytes: int | None
    peak_bytes: int | None = Field(gt=0)
    gpu_bytes: int | None = Field(ge=0)


class BatchTrial(Record):
    """One batch tried under the limit; of a process that did not get through, `peak_bytes` is what was seen of it.

    `out of memory` is an allocation that failed, or a kill by the kernel, below the limit.
    """

    batch: Count
    outcome: Outcome
    peak_bytes: int | None = Field(gt=0)
    seconds: float = Field(gt=0)


class LargestBatch(Point):
    """The largest batch that a whole process answers within `limit_bytes`: interpreter, runtime, weights and all.

    `too_large` is the smallest batch that was seen not to fit: where they are not neighbours, the search was
    ended before its time. Each trial had a process of its own.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "limit_bytes", "cores", "threads", "instances")
    limit_bytes: int | None = Field(gt=0)
    batch: Count | None
    peak_bytes: int | None = Field(gt=0)
    too_large: int | None = Field(ge=1)
    too_large_peak_bytes: int | None = Field(gt=0)
    trials: tuple[BatchTrial, ...]
