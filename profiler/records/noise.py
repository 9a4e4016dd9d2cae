"""What else the machine did."""

from pydantic import Field

from profiler.records.base import Record


class Noise(Record):
    """What else the machine did while a point was measured; shares are of all cores, 0 to 1."""

    steal_share: float | None = Field(ge=0, le=1)
    load_1min: float = Field(ge=0)
    cpu_mhz: float | None = Field(gt=0)
    cgroup_cores: float | None = Field(gt=0)
    probe_per_s: float | None = Field(gt=0)
