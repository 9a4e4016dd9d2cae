"""The models of a ModelMesh runtime: their folders, memory and load times.

https://github.com/kserve/modelmesh-runtime-adapter sizes a model as MODELSIZE_MULTIPLIER times its folder on disk,
and has the container's memory request minus memBufferBytes for models.
"""

from dataclasses import dataclass

from porting.repository.formats.conversion import Conversion
from porting.repository.variant_files import VariantFiles
from porting.repository.variant_on_target import VariantOnTarget
from profiler.records.memory import MemoryPoint
from profiler.records.warm_up import LoadTime


@dataclass(frozen=True)
class Held:
    """A variant in ModelMesh: its folder, the memory that it adds, and the memory of the server without it."""

    one: VariantOnTarget
    config: str
    files: dict[str, bytes]
    added_bytes: int
    server_bytes: int
    slowest_load_ms: float

    @property
    def disk_bytes(self) -> int:
        """The size of the folder on disk."""
        return len(self.config.encode()) + sum(map(len, self.files.values()))


def hold(conversion: Conversion, one: VariantOnTarget) -> Held:
    """The ModelMesh model of a variant; raises `BadInputError` for a missing figure."""
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
    """The largest peak of the serving processes over the batches, and their memory before the model was loaded."""
    found = [
        (point.peak_bytes, point.resident_bytes - point.model_bytes)
        for point in one.served_memory()
        if point.peak_bytes and point.resident_bytes and point.model_bytes is not None
    ]
    return max(((peak, server) for peak, server in found if peak > server), default=None)


def multiplier(held: list[Held]) -> float:
    """The largest ratio of memory to disk size over the models, as a runtime has one factor."""
    return max(model.added_bytes / model.disk_bytes for model in held)


def room_bytes(held: list[Held]) -> int:
    """The memory of the server and of every model as sized by the factor."""
    return max(model.server_bytes for model in held) + round(multiplier(held) * sum(model.disk_bytes for model in held))
