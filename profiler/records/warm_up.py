"""The time from a file on disk to a model that answers steadily, and the cost of replacing the model."""

from typing import ClassVar, Literal

from pydantic import Field

from profiler.common.batching import Batch
from profiler.records.base import Count, Kind, Timed, Value
from profiler.records.memory import Usage
from profiler.records.place import PageCache

POINTS_KEPT = 200
# The samples with the names of the monitor's features, and with their values (loads, features) by batch.
MONITORED_FEATURES, MONITORED = "monitor_features", "monitor_batch_"
# The times that the warm-up predictor knows.
Quantity = Literal["first_inference_ms", "load_ms"]


class Durations(Timed):
    """The durations of `n` repetitions; the median has a 95 % interval, p95 needs enough `n` to bound it at 99 %."""

    n: int = Field(ge=0)
    mean_ms: float | None = Field(gt=0)
    sd_ms: float | None = Field(ge=0)
    p50_ms: float | None = Field(gt=0)
    p50_low_ms: float | None = Field(gt=0)
    p50_high_ms: float | None = Field(gt=0)
    p95_ms: float | None = Field(gt=0)
    min_ms: float | None = Field(gt=0)
    max_ms: float | None = Field(gt=0)


class LoadTime(Durations):
    """The time from the load call to a ready model, with the file in the page cache (warm) or only on disk (cold)."""

    identity: ClassVar[tuple[str, ...]] = ("runtime", "cores", "threads", "instances", "page_cache")
    page_cache: PageCache
    resident_share: float | None = Field(ge=0, le=1)


class UnloadTime(Durations):
    """The time from the unload call until the server has removed the model and its serving processes have ended."""

    identity: ClassVar[tuple[str, ...]] = ("runtime", "cores", "threads", "instances")


class FirstInference(Timed):
    """The first answer of a freshly loaded model, by batch, and the time of the same batch once warm, as medians.

    `before` is the use of the serving processes when the load nearest to the median from below was ready.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances")
    batch: Count
    n: int = Field(ge=1)
    first_ms: float = Field(gt=0)
    first_min_ms: float = Field(gt=0)
    first_max_ms: float = Field(gt=0)
    warm_n: int = Field(ge=1)
    warm_ms: float = Field(gt=0)
    before: Usage | None
    loading_involuntary_switches: int | None


class PredictedTime(Value):
    """A first inference, or a load time without a batch, that no load measured and the warm-up predictor gives.

    The shares are the predictor's errors on groups that its training did not have: `held_out` variants of the same
    backbones, or backbones. `outside` lists the features beyond the range of the training data.
    """

    kind: Kind = "predicted"
    quantity: Quantity
    batch: Batch | None
    time_ms: float = Field(gt=0, le=1e12)
    held_out: Literal["variant", "backbone"]
    cvrmse_share: float = Field(ge=0, le=1e12)
    mape_share: float = Field(ge=0, le=1e12)
    outside: tuple[str, ...] = Field(max_length=100)

    def __str__(self) -> str:
        text = "load time" if self.batch is None else f"first inference of batch {self.batch}"
        beyond = f", outside of its data in {', '.join(self.outside)}" if self.outside else ""
        error = f"{self.mape_share:.0%} mean error on held-out {self.held_out}s"
        return f"{text} {self.time_ms:.4g} ms, predicted ({error}{beyond})"


class WarmUpCurve(Timed):
    """The latencies of the first `n` inferences after a fresh load, each `every`-th kept, and when they were steady."""

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances")
    batch: Count
    n: int = Field(ge=1)
    every: int = Field(ge=1)
    latency_ms: tuple[float, ...] = Field(min_length=1, max_length=POINTS_KEPT)
    inferences_until_steady: int | None = Field(ge=0)
    seconds_until_steady: float | None = Field(ge=0)
    steady_ms: float | None = Field(gt=0)


class Switch(Timed):
    """Single requests as a Poisson process while the model behind their name is replaced `switches` times in a row.

    A request belongs to the phase of its scheduled moment: `before` the first load call, `during` or `after`.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "cores", "threads", "instances")
    offered: Literal["Poisson"] = "Poisson"
    offered_per_s: float = Field(gt=0)
    offered_share: float | None = Field(gt=0)
    switches: int = Field(ge=1)
    load_ms: float = Field(gt=0)
    load_max_ms: float = Field(gt=0)
    sent: int = Field(ge=1)
    answered: int = Field(ge=0)
    lost: int = Field(ge=0)
    wrong: int = Field(ge=0)
    slowest_ms: float | None = Field(gt=0)
    before_n: int = Field(ge=0)
    before_p50_ms: float | None = Field(gt=0)
    before_p99_ms: float | None = Field(gt=0)
    during_n: int = Field(ge=0)
    during_p50_ms: float | None = Field(gt=0)
    during_p99_ms: float | None = Field(gt=0)
    after_n: int = Field(ge=0)
    after_p50_ms: float | None = Field(gt=0)
    after_p99_ms: float | None = Field(gt=0)
    server_cores_before: float | None = Field(ge=0)
    server_cores_during: float | None = Field(ge=0)
