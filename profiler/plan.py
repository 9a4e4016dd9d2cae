"""The parts of a profile in the order of their importance, so that a spent budget leaves out the last ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from profiler.common.profile_settings import LevelSettings, PartSettings
from profiler.measure.capacity import part as capacity
from profiler.measure.contention import part as contention
from profiler.measure.latency import part as latency
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurements
from profiler.measure.memory import part as memory
from profiler.measure.repeats import part as repeats
from profiler.measure.scaling import part as scaling
from profiler.measure.throughput import part as throughput
from profiler.measure.warm_up import part as warm_up
from profiler.target.model_under_test import ModelUnderTest

S = TypeVar("S", bound=PartSettings)


@dataclass(frozen=True)
class Part:
    """A part that is measured: its title for the user, its settings, and the generator of its measurements."""

    title: str
    settings: PartSettings
    measurements: Callable[[ModelUnderTest, Ledger], Measurements]


def plan(level: LevelSettings) -> dict[str, Part]:
    """The parts that a level measures, by the names of their settings."""
    parts = {
        "latency": part("latency", latency.measurements, level.latency),
        "throughput": part("maximal throughput", throughput.measurements, level.throughput),
        "warm_up": part("load and warm-up", warm_up.measurements, level.warm_up),
        "memory": part("memory", memory.measurements, level.memory),
        "scaling": part("cores and instances", scaling.measurements, level.scaling),
        "capacity": part("capacity under a deadline", capacity.measurements, level.capacity),
        "contention": part("contention", contention.measurements, level.contention),
        "repeats": part("repeats", repeats.measurements, level.repeats),
    }
    return {name: one for name, one in parts.items() if one is not None}


def part(
    title: str, measurements: Callable[[ModelUnderTest, S, Ledger], Measurements], settings: S | None
) -> Part | None:
    """The part with its settings, `None` where the level does not measure it."""
    if settings is None:
        return None
    return Part(title, settings, lambda model, ledger: measurements(model, settings, ledger))
