"""The speed-ups of a served model on other numbers of cores."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.records.throughput import MaximalThroughput


@dataclass(frozen=True)
class SpeedUp:
    """The throughput on `cores` over that on one core, with the same batch and instances.

    The bounds divide the slow end of one interval by the fast end of the other, as the thesis's table 5.1 divides
    minimum by maximum; they are `None` where an interval is unknown.
    """

    batch: int
    instances: int
    cores: float
    ratio: float
    low: float | None
    high: float | None


def speed_ups(points: Sequence[MaximalThroughput]) -> list[SpeedUp]:
    """The speed-up of every point over its one-core point, from drift-corrected figures."""
    bases = {(point.batch, point.instances): point for point in points if point.cores == 1}
    pairs = [(point, bases.get((point.batch, point.instances))) for point in points if point.cores != 1]
    return [
        SpeedUp(
            point.batch,
            point.instances,
            point.cores,
            point.relative_throughput / base.relative_throughput,
            ratio(point.low_relative_throughput, base.high_relative_throughput),
            ratio(point.high_relative_throughput, base.low_relative_throughput),
        )
        for point, base in pairs
        if base is not None
    ]


def ratio(over: float | None, under: float | None) -> float | None:
    """The ratio of two values, `None` where one is unknown."""
    return None if over is None or under is None else over / under
