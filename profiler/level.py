"""How much is measured: the settings of the `quick` level."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from profiler.runtimes.v2 import MAX_BATCH

Batch = Annotated[int, Field(ge=1, le=MAX_BATCH)]


class QuickSettings(BaseModel):
    """What the quick level measures; together with the target it decides the figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    level: str = Field(pattern="^quick$")
    batches: list[Batch] = Field(min_length=1)
    seconds_per_batch: float = Field(gt=0)
    throughput_batches: list[Batch] = Field(min_length=1)
    max_concurrency: int = Field(ge=1)
    search_slices: int = Field(ge=1)
    settle_slices: int = Field(ge=6)
