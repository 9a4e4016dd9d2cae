"""A made-up repository of two variants on the frontier, of which everything that another system reads was measured."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from full_profile import full_profile, item
from made_points import capacity, partly, rate
from support import CLASSES, SIZE, write_network

from porting.repository import Repository
from porting.repository.formats import Conversion
from porting.repository.publishing.offers import Offer
from porting.repository.publishing.writer import publish
from porting.repository.schema import TensorSpec
from profiler.common.files import sha256
from profiler.records.capacity import Capacity
from profiler.records.memory import MemoryPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput

ACCURATE, FAST, TARGET = "digits-accurate-0000000a", "digits-fast-0000000b", "local_cpu"
MIB = 1 << 20
URI = "s3://bucket/repository"
BATCHES = (1, 8, 32)

RATES = tuple(f"{end}requests_per_s" for end in ("low_", "", "high_"))


def memory(more_mib: int = 0, **changes: Any) -> tuple[MemoryPoint, ...]:
    """The server holds 260 MiB without the model."""
    return tuple(
        partly(
            MemoryPoint, source="served processes", batch=batch, resident_bytes=(300 + more_mib) * MIB,
            model_bytes=(40 + more_mib) * MIB, peak_bytes=(310 + more_mib + batch) * MIB, **changes,
        )
        for batch in BATCHES
    )  # fmt: skip


def capacities(deadline_share: float = 1.0, faster: float = 1.0) -> tuple[Capacity, ...]:
    """400 requests/s a core within 2 and 5 times 1.7 ms; half a core and two as well."""
    return tuple(
        point.model_copy(
            update={"deadline_ms": point.deadline_ms * deadline_share}
            | {name: getattr(point, name) * faster * multiple / 5 for name in RATES}
        )
        for cores in (0.5, 1.0, 2.0)
        for multiple in (2, 5)
        for point in [capacity(cores, multiple)]
    )


def accurate(**changes: Any) -> Profile:
    return full_profile(**{"memory": memory(), "capacity": capacities()} | changes)


def fast(**changes: Any) -> Profile:
    best = tuple(rate(MaximalThroughput, 1, 4, 1200.0 * cores, cores=cores) for cores in (1.0, 2.0))
    values = {"memory": memory(-20), "capacity": capacities(0.2, faster=2), "max_throughput": best}
    return full_profile(**values | changes)


def offered(name: str, profile: Profile, folder: Path, accuracy: float) -> Offer:
    """The item of a network that a server can load."""
    made = item(name, profile, folder, accuracy)
    digest = sha256(write_network(made.onnx))
    source, sink = TensorSpec(name="input", shape=[1, SIZE, SIZE]), TensorSpec(name="logits", shape=[CLASSES])
    return replace(
        made, details=made.details.model_copy(update={"input": source, "output": sink, "onnx_sha256": digest})
    )


def convertible_repository(folder: Path, one: Profile | None = None, other: Profile | None = None) -> Repository:
    """Both variants, published."""
    items = [
        offered(ACCURATE, one or accurate(), folder, 0.9),
        offered(FAST, other or fast(), folder, 0.8),
    ]
    return publish(folder / "repository", items)


def conversion(repository: Repository, **changes: Any) -> Conversion:
    return replace(Conversion(repository, TARGET, storage_uri=URI), **changes)
