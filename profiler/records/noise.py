"""What else the machine did."""

from typing import Literal

from pydantic import Field

from profiler.records.base import Point, Record

ReferenceKind = Literal["in process", "served"]


class Noise(Record):
    """What else the machine did while a point was measured; shares are 0 to 1.

    `steal_share` is of all cores. `switches_per_s` counts the context switches of the whole machine.
    `throttled_share` is the share of scheduling periods in which the profiler's own control group ran
    into its quota. `probe_per_s` is the rate of the reference network beside it, in the profiler's process or served.
    """

    steal_share: float | None = Field(ge=0, le=1)
    load_1min: float = Field(ge=0)
    cpu_mhz: float | None = Field(gt=0)
    switches_per_s: float = Field(ge=0)
    cgroup_cores: float | None = Field(gt=0)
    throttled_share: float | None = Field(ge=0, le=1)
    probe: ReferenceKind = "in process"
    probe_per_s: float | None = Field(gt=0)


class Timed(Point):
    """A figure that other work on the machine moves, and how much of that there was."""

    noise: Noise
