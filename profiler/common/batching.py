"""The dynamic batching of Triton: the server joins single requests into batches."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# The largest batch that is served.
MAX_BATCH = 64
Batch = Annotated[int, Field(ge=1, le=MAX_BATCH)]
QueueDelayUs = Annotated[int, Field(ge=0, le=10_000_000)]


def ascending(value: tuple[int, ...]) -> tuple[int, ...]:
    """The batches themselves; raises `ValueError` where they do not ascend."""
    if list(value) != sorted(set(value)):
        raise ValueError(f"preferred batches {list(value)}: give them in ascending order, each once")
    return value


PreferredBatches = Annotated[tuple[Batch, ...], Field(min_length=1, max_length=8), AfterValidator(ascending)]


class Batching(BaseModel):
    """Settings of Triton's dynamic batching.

    A free instance takes the largest batch of `preferred_batches` (ascending) for which enough requests wait. Without
    one, it takes all that wait, after the first one has waited `queue_delay_us`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    queue_delay_us: QueueDelayUs
    preferred_batches: PreferredBatches

    def __str__(self) -> str:
        return f"{self.queue_delay_us} µs, batches of {', '.join(map(str, self.preferred_batches))}"

    @property
    def largest(self) -> int:
        """The largest preferred batch."""
        return self.preferred_batches[-1]
