"""A repository of three tasks with all that planners read, written by the real writer from made-up profiles.

Every figure follows from a variant's rate on one core: latency from the law `own_ms`, throughput from it, capacity as a
share of throughput that grows with the deadline.
"""

from pathlib import Path
from typing import Any

from full_profile import full_profile, item
from made_points import load_point, medians, partly, rate

from porting.repository import Repository
from porting.repository.publishing.offers import Offer
from porting.repository.publishing.writer import publish
from profiler.common.target import Target
from profiler.records.capacity import Capacity
from profiler.records.latency import LatencyPoint
from profiler.records.memory import MemoryPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference, LoadTime, PredictedTime

TARGET = "local_cpu"
CORES, BATCHES, DEADLINES = (0.5, 1.0, 2.0, 4.0, 8.0), (1, 2, 4, 8, 16), {2: 0.6, 5: 0.8, 10: 0.9}
# Accuracy and about the images/s on one core, by variant.
TASKS = {
    "digits": {
        "digits-large-0000000a": (0.96, 60.0),
        "digits-middle-0000000b": (0.92, 240.0),
        "digits-small-0000000c": (0.8, 900.0),
    },
    "cifar10": {
        "cifar10-large-0000001a": (0.94, 25.0),
        "cifar10-middle-0000001b": (0.9, 120.0),
        "cifar10-small-0000001c": (0.7, 700.0),
    },
    "bees": {"bees-large-0000002a": (0.97, 40.0), "bees-small-0000002c": (0.88, 300.0)},
}


def own_ms(images_per_s: float, batch: int, cores: float) -> float:
    """γ·b/c + δ·b + ε/c + η, of which 90 % an image is divided among the cores."""
    image_ms = 1e3 / images_per_s
    return 0.9 * image_ms * batch / cores + 0.1 * image_ms * batch + 0.3 * image_ms / cores + 0.1


def reached(images_per_s: float, batch: int, cores: float) -> float:
    """Images/s of full batches one after the other."""
    return 1e3 * batch / own_ms(images_per_s, batch, cores)


def planning_profile(images_per_s: float, **changes: Any) -> Profile:
    """Latency, throughput and capacity on half a core to eight, a load time, first inferences, memory, CPU use."""
    places = [(batch, {"cores": cores, "threads": max(1, int(cores))}) for batch in BATCHES for cores in CORES]
    values: dict[str, Any] = {
        "latency": [latency(own_ms(images_per_s, batch, at["cores"]), batch, at) for batch, at in places],
        "max_throughput": [
            rate(MaximalThroughput, batch, 4, reached(images_per_s, batch, at["cores"]), **at) for batch, at in places
        ],
        "capacity": [capacity(images_per_s, cores, multiple) for cores in CORES for multiple in DEADLINES],
        "load_time": [loads(200.0 + 4e4 / images_per_s)],
        "first_inference": [first(3 * own_ms(images_per_s, batch, 1.0), batch) for batch in BATCHES],
        "memory": [memory(batch) for batch in BATCHES],
        "load": [load_point(share) for share in (0.1, 0.5, 0.9, 1.1)],
        "target": Target(cores=1),
    }
    return full_profile(**values | changes)


def loads(mean_ms: float) -> LoadTime:
    values = {
        "n": 10,
        "mean_ms": mean_ms,
        "sd_ms": 9.0,
        "p50_ms": mean_ms,
        "min_ms": mean_ms - 9,
        "max_ms": mean_ms + 9,
    }
    return partly(LoadTime, page_cache="warm", resident_share=1.0, **values)


def first(first_ms: float, batch: int) -> FirstInference:
    values = {"first_ms": first_ms, "first_min_ms": first_ms * 0.9, "first_max_ms": first_ms * 1.1}
    return partly(FirstInference, batch=batch, n=2, warm_n=20, warm_ms=first_ms / 3, **values)


def predicted(time_ms: float, batch: int | None) -> PredictedTime:
    """A first inference, or without a batch a load time, as the warm-up predictor gives it."""
    return PredictedTime(
        quantity="load_ms" if batch is None else "first_inference_ms", batch=batch, time_ms=time_ms,
        held_out="variant", cvrmse_share=0.2, mape_share=0.11, outside=(),
    )  # fmt: skip


def memory(batch: int) -> MemoryPoint:
    values = {"resident_bytes": 300 << 20, "peak_bytes": (310 + batch) << 20}
    return partly(MemoryPoint, source="served processes", batch=batch, **values)


def latency(milliseconds: float, batch: int, where: dict[str, Any]) -> LatencyPoint:
    """A median with an interval of 3 % to either side, and a 99th percentile of half as much again."""
    return partly(LatencyPoint, batch=batch, concurrency=1, input_shape=(3, 32, 32), n=500, mean_ms=milliseconds,
                  sd_ms=0.1, p90_ms=milliseconds * 1.2, p95_ms=milliseconds * 1.3, p99_ms=milliseconds * 1.5,
                  **medians(milliseconds, 0.03), **where)  # fmt: skip


def capacity(images_per_s: float, cores: float, multiple: int) -> Capacity:
    """A share of the throughput at batch 1, for a multiple of the latency on one core."""
    requests_per_s = DEADLINES[multiple] * reached(images_per_s, 1, cores)
    values = {
        f"{end}{name}": rate * share
        for name, rate in (("requests_per_s", requests_per_s), ("relative_capacity", requests_per_s / 100))
        for end, share in (("low_", 0.95), ("", 1.0), ("high_", 1.05))
    }
    return partly(Capacity, batch=1, cores=cores, threads=max(1, int(cores)),
                  deadline_ms=multiple * own_ms(images_per_s, 1, 1.0), quantile=0.99, max_throughput_share=0.8,
                  trials=[], verdict="settled", verdict_reason="", **values)  # fmt: skip


def items(folder: Path, **changes: Any) -> list[Offer]:
    """Every variant of every task."""
    return [
        item(name, planning_profile(images_per_s, **changes), folder, accuracy, task=task)
        for task, variants in TASKS.items()
        for name, (accuracy, images_per_s) in variants.items()
    ]


def repository(folder: Path, **changes: Any) -> Repository:
    """What the writer makes of them."""
    folder.mkdir(parents=True, exist_ok=True)
    return publish(folder / "repository", items(folder, **changes))
