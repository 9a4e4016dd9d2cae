"""What the processes that serve a model use."""

from profiler.records.base import Record


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
