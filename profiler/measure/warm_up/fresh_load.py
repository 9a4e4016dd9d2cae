"""One fresh load of a model: the load itself, its first inferences, and its end, each on the clock."""

import time
from dataclasses import dataclass

from profiler.records.usage import Usage
from profiler.records.warm_up import PageCache
from profiler.runtimes.served import Call
from profiler.system.page_cache import evict, read_in
from profiler.system.processes import pin, usage
from profiler.target.model_under_test import Subject

COLD_SHARE = 0.01
LONGEST_S = 3.0
FEWEST = 4


@dataclass(frozen=True)
class FreshLoad:
    """`latencies_ms` begin with the first inference ever, `before` which the serving processes stood as told.

    `resident_share` of the file was in the page cache at the load call, which reached the server's processes only
    where they read this very file (`reads_it`).
    """

    batch: int
    resident_share: float | None
    reads_it: bool
    load_ms: float
    before: Usage | None
    loading_involuntary_switches: int | None
    latencies_ms: list[float]
    unload_ms: float

    @property
    def in_and_out_s(self) -> float:
        """What it took without the inferences."""
        return (self.load_ms + self.unload_ms) / 1e3

    def why_not_cold(self) -> str | None:
        """What speaks against this load having read the file from the disk."""
        if not self.reads_it:
            return "the server is given a copy of the file, which is in memory then"
        if self.resident_share is None:
            return "the system does not tell whether the file is in memory"
        if self.resident_share > COLD_SHARE:
            return f"{self.resident_share:.0%} of the file stayed in the page cache when it was to be evicted"
        return None


def load_afresh(subject: Subject, page_cache: PageCache, batch: int, inferences: int) -> FreshLoad:
    """Loads the model on the target's own resources, calls it, and unloads it.

    Raises `ServerError` where the server refuses it or answers wrongly.
    """
    host, resources = subject.bench.host, subject.bench.target.resources
    subject.unload()
    subject.alone()
    if host.process is not None and host.address is not None:
        pin(host.process, subject.cores(resources))
    with subject.driving():
        links = subject.path.stat().st_nlink
        at_call = serving_usage(subject)
        share = set_page_cache(subject, page_cache)
        start = time.perf_counter()
        served = host.load(subject.name, subject.path, resources)
        load_ms = since_ms(start)
        # A server of our own is given the file by a link.
        reads_it = host.address is None or subject.path.stat().st_nlink > links
        send = served.prepare(subject.expectation.images[:batch])
        before = serving_usage(subject)
        latencies_ms = call(subject, send, batch, inferences)
        # In this process the model lives as long as somebody holds it.
        del served, send
        start = time.perf_counter()
        host.unload(subject.name)
        unload_ms = since_ms(start)
    switches = switches_between(at_call, before)
    return FreshLoad(batch, share, reads_it, load_ms, before, switches, latencies_ms, unload_ms)


def call(subject: Subject, send: Call, batch: int, inferences: int) -> list[float]:
    """Milliseconds of successive inferences, all of them or as many as are done in `LONGEST_S`."""
    latencies_ms: list[float] = []
    end = time.perf_counter() + LONGEST_S
    while len(latencies_ms) < inferences and (len(latencies_ms) < FEWEST or time.perf_counter() < end):
        start = time.perf_counter()
        answer = send()
        latencies_ms.append(since_ms(start))
        subject.expectation.check(answer, batch)
    return latencies_ms


def set_page_cache(subject: Subject, page_cache: PageCache) -> float | None:
    """Brings the file into memory or out of it; the share of it that is there then, `None` where nobody tells."""
    try:
        return read_in(subject.path) if page_cache == "warm" else evict(subject.path)
    except OSError:
        return None


def serving_usage(subject: Subject) -> Usage | None:
    """What the serving processes use, where they are ours to see."""
    process = subject.bench.host.process
    return None if process is None else usage(process)


def switches_between(at_call: Usage | None, ready: Usage | None) -> int | None:
    """Involuntary context switches of the serving processes while the model was loaded."""
    before, after = (None if one is None else one.involuntary_switches for one in (at_call, ready))
    return None if before is None or after is None else max(after - before, 0)


def since_ms(start: float) -> float:
    return (time.perf_counter() - start) * 1e3
