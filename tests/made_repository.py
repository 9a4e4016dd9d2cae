"""A small repository that is written by the real writer from made-up profiles."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from full_profile import blank_profile, item
from made_points import latency, medians, rate

from porting.repository import Repository
from porting.repository.publishing.offers import Offer
from porting.repository.publishing.writer import publish
from profiler.common.target import Target
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput

SLOW, MIDDLE, QUICK = "digits-slow-0000000a", "digits-middle-0000000b", "digits-quick-0000000c"
ACCURACY = {SLOW: 0.95, MIDDLE: 0.9, QUICK: 0.8}
IMAGES_PER_S = {SLOW: 200.0, MIDDLE: 400.0, QUICK: 900.0}


def profile(images_per_s: float, **changes: Any) -> Profile:
    """Batches 1, 4 and 16: latency in proportion to the batch, throughput a quarter more at 16."""
    threads = changes.get("target", Target()).threads
    points = [latency(batch, threads=threads, **timed(batch * 1e3 / images_per_s)) for batch in (1, 4, 16)]
    loads = ((1, 4, images_per_s * 0.8), (16, 2, images_per_s))
    best = [rate(MaximalThroughput, *load, threads=threads) for load in loads]
    return blank_profile(**{"latency": points, "max_throughput": best, **changes})


def timed(milliseconds: float) -> dict[str, Any]:
    """A latency with an interval of 3 % to either side, and a 99th percentile of twice the median."""
    return medians(milliseconds, 0.03) | {"p99_ms": 2 * milliseconds}


def items(folder: Path, rates: Mapping[str, float] = IMAGES_PER_S, **changes: Any) -> list[Offer]:
    """The three variants, each on the target `local_cpu`."""
    return [item(name, profile(one, **changes), folder, ACCURACY[name]) for name, one in rates.items()]


def repository(folder: Path, offered: Sequence[Offer] | None = None) -> Repository:
    """What the writer makes of them."""
    folder.mkdir(parents=True, exist_ok=True)
    return publish(folder / "repository", items(folder) if offered is None else offered)
