"""What every figure of a loaded model stands on."""

from pydantic import Field

from profiler.records.base import Count, Kind, Point
from profiler.records.noise import Noise


class OnResources(Point):
    """Where the model ran, and what it had of the machine."""

    kind: Kind = "measured"
    runtime: str
    cores: float = Field(gt=0)
    threads: Count
    instances: Count


class Timed(OnResources):
    """A figure that other work on the machine moves, and how much of that there was."""

    noise: Noise
