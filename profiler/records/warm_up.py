"""From a file on disk to a model that answers steadily."""

from pydantic import Field

from profiler.records.base import Kind, Record


class FirstInference(Record):
    """The first answer of a freshly loaded model, by batch, beside what the same batch takes once warm."""

    kind: Kind = "measured"
    runtime: str
    batch: int = Field(ge=1)
    first_ms: float = Field(gt=0)
    warm_ms: float = Field(gt=0)


class LoadTime(Record):
    """From the load call until the model answers ready, with the file in the page cache."""

    kind: Kind = "measured"
    runtime: str
    n: int = Field(ge=1)
    mean_ms: float = Field(gt=0)
