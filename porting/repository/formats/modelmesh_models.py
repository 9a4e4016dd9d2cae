"""What ModelMesh must know of each model that one runtime holds: its folder, its memory, its load time.

https://github.com/kserve/modelmesh-runtime-adapter sizes a model as MODELSIZE_MULTIPLIER times its folder on disk,
and takes the container's memory request less memBufferBytes for room.
"""

from dataclasses import dataclass
from pathlib import Path

from porting.repository.formats.wanted import Wanted
from porting.repository.measured import Measured, needed, served_memory
from porting.repository.reader import DETAILS
from profiler.records.memory import MemoryPoint
from profiler.records.warm_up import LoadTime

CONFIG, CONFIGS, CONFIG_LIMIT_BYTES = "config.pbtxt", "configs", 1 << 20


@dataclass(frozen=True)
class Held:
    """A variant as ModelMesh holds it: its folder, the memory that it adds, and that of the server without it."""

    one: Measured
    config: str
    copies: dict[str, Path]
    added_bytes: int
    server_bytes: int
    slowest_load_ms: float

    @property
    def disk_bytes(self) -> int:
        return len(self.config.encode()) + sum(path.stat().st_size for path in self.copies.values())


def hold(wanted: Wanted, one: Measured) -> Held:
    """What is known of one variant."""
    root = wanted.repository.root
    peak, server = needed(most_held(one), "memory of serving processes, without it and with it", one, MemoryPoint)
    loads = [point.max_ms for point in one.profile.load_time if point.max_ms is not None]
    return Held(
        one=one,
        config=root.read(one.name, CONFIGS, f"{wanted.target}.pbtxt", limit_bytes=CONFIG_LIMIT_BYTES).decode(),
        copies=dict(served_files(root.local / one.name, one.published.version)),
        added_bytes=peak - server,
        server_bytes=server,
        slowest_load_ms=needed(max(loads, default=None), "load time", one, LoadTime),
    )


def most_held(one: Measured) -> tuple[int, int] | None:
    """The peak of the serving processes at the batch for which it is greatest, and what they held before the model."""
    found = [
        (point.peak_bytes, point.resident_bytes - point.model_bytes)
        for point in served_memory(one.profile)
        if point.peak_bytes and point.resident_bytes and point.model_bytes is not None
    ]
    return max(((peak, server) for peak, server in found if peak > server), default=None)


def served_files(folder: Path, version: int) -> list[tuple[str, Path]]:
    """What Triton reads of a variant's folder, its newest version only, without the configuration."""
    files = [(path.relative_to(folder), path) for path in sorted(folder.rglob("*"))]
    return [
        (str(name), path)
        for name, path in files
        if path.is_file()
        and not path.is_symlink()
        and str(name) not in (DETAILS, CONFIG)
        and name.parts[0] != CONFIGS
        and (not name.parts[0].isdigit() or name.parts[0] == str(version))
    ]


def multiplier(held: list[Held]) -> float:
    """Memory over disk, of the variant for which it is greatest: one runtime has one factor."""
    return max(model.added_bytes / model.disk_bytes for model in held)


def room_bytes(held: list[Held]) -> int:
    """The server, and every variant as the factor sizes it."""
    return max(model.server_bytes for model in held) + round(multiplier(held) * sum(model.disk_bytes for model in held))
