"""One fresh load of a model: the load itself, its first inferences, and its end, each on the clock."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from profiler.records.memory import Usage
from profiler.records.place import PageCache
from profiler.runtimes.served import Call
from profiler.system.monitor.monitor import Monitor
from profiler.system.page_cache import evict, read_in
from profiler.target.model_under_test import ModelUnderTest

COLD_SHARE = 0.01
LONGEST_S = 3.0
FEWEST = 4


@dataclass(frozen=True)
class FreshLoad:
    """`latencies_ms` begin with the first inference ever, `before` which the serving processes stood as told.

    `resident_share` of the file was in the page cache at the load call, which reached the server's processes only
    where they read this very file (`reads_it`). `features` are those of the monitor before the first inference.
    """

    batch: int
    resident_share: float | None
    reads_it: bool
    load_ms: float
    before: Usage | None
    loading_involuntary_switches: int | None
    latencies_ms: list[float]
    unload_ms: float
    features: Mapping[str, float | None] = field(default_factory=dict)

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


def load_afresh(
    model: ModelUnderTest, page_cache: PageCache, batch: int, inferences: int, monitor: Monitor | None = None
) -> FreshLoad:
    """Loads the model on the target's own resources, calls it, and unloads it.

    Raises `ServerError` where the server refuses it or answers wrongly.
    """
    host, images = model.host, model.expectation.images(batch)
    model.unload()
    model.alone()
    model.pin(model.own)
    with model.driving():
        links = model.path.stat().st_nlink
        at_call = model.usage()
        share = set_page_cache(model, page_cache)
        if monitor is not None:
            monitor.mark()
        start = time.perf_counter()
        served = host.load(model.name, model.path, model.own)
        load_ms = since_ms(start)
        # A server of our own is given the file by a link.
        reads_it = model.in_process or model.path.stat().st_nlink > links
        send = served.prepare(images)
        before = model.usage()
        features = monitor.snapshot().features if monitor is not None else {}
        latencies_ms = call(model, send, batch, inferences)
        # In this process the model lives as long as somebody holds it.
        del served, send
        start = time.perf_counter()
        host.unload(model.name)
        unload_ms = since_ms(start)
    switches = switches_between(at_call, before)
    return FreshLoad(batch, share, reads_it, load_ms, before, switches, latencies_ms, unload_ms, features)


def call(model: ModelUnderTest, send: Call, batch: int, inferences: int) -> list[float]:
    """Milliseconds of successive inferences, all of them or as many as are done in `LONGEST_S`."""
    latencies_ms: list[float] = []
    end = time.perf_counter() + LONGEST_S
    while len(latencies_ms) < inferences and (len(latencies_ms) < FEWEST or time.perf_counter() < end):
        start = time.perf_counter()
        answer = send()
        latencies_ms.append(since_ms(start))
        model.expectation.check(answer, batch)
    return latencies_ms


def set_page_cache(model: ModelUnderTest, page_cache: PageCache) -> float | None:
    """Brings the file into memory or out of it; the share of it that is there then, `None` where nobody tells."""
    try:
        return read_in(model.path) if page_cache == "warm" else evict(model.path)
    except OSError:
        return None


def switches_between(at_call: Usage | None, ready: Usage | None) -> int | None:
    """Involuntary context switches of the serving processes while the model was loaded."""
    before, after = (None if one is None else one.involuntary_switches for one in (at_call, ready))
    return None if before is None or after is None else max(after - before, 0)


def since_ms(start: float) -> float:
    """Milliseconds since a moment of `time.perf_counter`."""
    return (time.perf_counter() - start) * 1e3
