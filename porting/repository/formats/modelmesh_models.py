"""What ModelMesh must know of each model that one runtime holds: its folder, its memory, its load time.

https://github.com/kserve/modelmesh-runtime-adapter sizes a model as MODELSIZE_MULTIPLIER times its folder on disk,
and takes the container's memory request less memBufferBytes for room.
"""

from dataclasses import dataclass

from porting.repository.formats.conversion import Conversion
from porting.repository.variant_files import VariantFiles
from porting.repository.variant_on_target import VariantOnTarget
from profiler.records.memory import MemoryPoint
from profiler.records.warm_up import LoadTime


@dataclass(frozen=True)
class Held:
    """A variant as ModelMesh holds it: its folder, the memory that it adds, and that of the server without it."""

    one: VariantOnTarget
    config: str
    files: dict[str, bytes]
    added_bytes: int
    server_bytes: int
    slowest_load_ms: float

    @property
    def disk_bytes(self) -> int:
        return len(self.config.encode()) + sum(map(len, self.files.values()))


def hold(conversion: Conversion, one: VariantOnTarget) -> Held:
    """What is known of one variant."""
    files = VariantFiles.of(conversion.repository, one.name)
    peak, server = one.needed(most_held(one), "memory of serving processes, without it and with it", MemoryPoint)
    loads = [point.max_ms for point in one.profile.load_time if point.max_ms is not None]
    return Held(
        one=one,
        config=files.config(conversion.target),
        files=files.served(),
        added_bytes=peak - server,
        server_bytes=server,
        slowest_load_ms=one.needed(max(loads, default=None), "load time", LoadTime),
    )


def most_held(one: VariantOnTarget) -> tuple[int, int] | None:
    """The peak of the serving processes at the batch for which it is greatest, and what they held before the model."""
    found = [
        (point.peak_bytes, point.resident_bytes - point.model_bytes)
        for point in one.served_memory()
        if point.peak_bytes and point.resident_bytes and point.model_bytes is not None
    ]
    return max(((peak, server) for peak, server in found if peak > server), default=None)


def multiplier(held: list[Held]) -> float:
    """Memory over disk, of the variant for which it is greatest: one runtime has one factor."""
    return max(model.added_bytes / model.disk_bytes for model in held)


def room_bytes(held: list[Held]) -> int:
    """The server, and every variant as the factor sizes it."""
    return max(model.server_bytes for model in held) + round(multiplier(held) * sum(model.disk_bytes for model in held))
