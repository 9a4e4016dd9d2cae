"""A later visit to a model: its maxima measured once more, after another load, in another moment."""

from typing import ClassVar, Literal

from pydantic import Field

from profiler.records.base import Count, Timed, Value


class Blocks(Value):
    """The slices of a throughput in a few blocks: inputs answered, seconds, and inferences of the reference beside."""

    counted: tuple[float, ...]
    seconds: tuple[float, ...]
    references: tuple[float, ...]

    def __add__(self, other: "Blocks") -> "Blocks":
        """The blocks of both."""
        return Blocks(
            counted=self.counted + other.counted,
            seconds=self.seconds + other.seconds,
            references=self.references + other.references,
        )


class Visit(Timed):
    """A closed loop at a place of the first visit, measured in round `visit` of the run.

    A run measures its models in rounds, and each round visits every model, so the visits to one model lie apart. A
    maximum and a latency are of all undisturbed visits together.
    """

    identity: ClassVar[tuple[str, ...]] = (
        "runtime", "batch", "concurrency", "cores", "threads", "instances", "visit",
    )  # fmt: skip
    offered: Literal["closed loop"] = "closed loop"
    batch: Count
    concurrency: Count
    visit: int = Field(ge=2)
    blocks: Blocks
    n: int = Field(ge=0)
    p50_ms: float | None = Field(gt=0)
    relative_p50: float | None = Field(gt=0)
