"""How well one figure ranks variants by another."""

from pydantic import Field

from profiler.records.base import Record


class RankCorrelation(Record):
    """Spearman's coefficient over `n` variants with its 95 % interval."""

    n: int = Field(ge=0)
    spearman: float | None = Field(ge=-1, le=1)
    low: float | None = Field(ge=-1, le=1)
    high: float | None = Field(ge=-1, le=1)
