"""The parts of a profile in the order of their importance, so that a spent budget leaves out the last ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from profiler.common.profile_settings import LatencySettings, LevelSettings, PartSettings
from profiler.measure.batching import part as batching
from profiler.measure.capacity import part as capacity
from profiler.measure.contention import part as contention
from profiler.measure.latency import part as latency
from profiler.measure.layers import part as layers
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurements
from profiler.measure.memory import part as memory
from profiler.measure.repeats import part as repeats
from profiler.measure.scaling import part as scaling
from profiler.measure.sizes import part as sizes
from profiler.measure.throughput import client_latency
from profiler.measure.throughput import part as throughput
from profiler.measure.visits import part as visits
from profiler.measure.warm_up import part as warm_up
from profiler.target.model_under_test import ModelUnderTest

S = TypeVar("S", bound=PartSettings)


@dataclass(frozen=True)
class Part:
    """A part that is measured: its title for the user, its settings, and what asks for its points.

    A part that is not `whole` goes on in a later round.
    """

    title: str
    settings: PartSettings
    measurements: Callable[[ModelUnderTest, Ledger], Measurements]
    whole: bool = True


def plan(level: LevelSettings, visit: int | None = None) -> dict[str, Part]:
    """The parts that a level measures, by the names of their settings; those of one visit, or of all.

    The first visit measures everything but the later visits.
    """
    parts = every_part(level)
    if visit is None or level.visits is None:
        return parts
    if visit == 1:
        return {name: one for name, one in parts.items() if name != "visits"}
    so_far = level.visits.model_copy(update={"visits": visit})
    return {
        "visits": Part(
            f"visit {visit} of {level.visits.visits}",
            level.visits,
            lambda model, ledger: visits.measurements(model, so_far, ledger),
            whole=visit == level.visits.visits,
        )
    }


def every_part(level: LevelSettings) -> dict[str, Part]:
    """All parts that a level measures."""
    parts = {
        "throughput": part("maximal throughput", throughput.measurements, level.throughput),
        "latency": part("latency", latencies, level.latency),
        "layers": part("layers", layers.measurements, level.layers),
        "warm_up": part("load and warm-up", warm_up.measurements, level.warm_up),
        "memory": part("memory", memory.measurements, level.memory),
        "sizes": part("input sizes", sizes.measurements, level.sizes),
        "scaling": part("cores and instances", scaling.measurements, level.scaling),
        "capacity": part("capacity under a deadline", capacity.measurements, level.capacity),
        "dynamic_batching": part("dynamic batching", batching.measurements, level.dynamic_batching),
        "contention": part("contention", contention.measurements, level.contention),
        "repeats": part("repeats", repeats.measurements, level.repeats),
        "visits": part("later visits", visits.measurements, level.visits),
    }
    return {name: one for name, one in parts.items() if one is not None}


def latencies(model: ModelUnderTest, settings: LatencySettings, ledger: Ledger) -> Measurements:
    """The latencies of the computation, then those of one client."""
    yield from latency.measurements(model, settings, ledger)
    yield from client_latency.measurements(model, settings, ledger)


def part(
    title: str, measurements: Callable[[ModelUnderTest, S, Ledger], Measurements], settings: S | None
) -> Part | None:
    """The part with its settings, `None` where the level does not measure it."""
    if settings is None:
        return None
    return Part(title, settings, lambda model, ledger: measurements(model, settings, ledger))
