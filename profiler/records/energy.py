"""What an inference costs in energy."""

from typing import Literal

from pydantic import Field

from profiler.records.base import Record


class Energy(Record):
    """The energy of whole processor packages (RAPL) or whole GPUs (NVML) while `n` inferences were made.

    The time of the probe between slices of load does not count. What the hardware would have drawn idle, and what
    anything else on it drew, is included; the memory and the rest of the board are not.
    """

    source: Literal["rapl", "nvml"]
    n: int = Field(ge=0)
    seconds: float = Field(gt=0)
    joules: float | None = Field(ge=0)
    joules_per_inference: float | None = Field(ge=0)
