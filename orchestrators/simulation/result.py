"""The result of a run: delivered accuracy, late and lost requests, cost, and series by second.

`accuracy` is the mean over all answers, late ones included. `effective_accuracy` is the mean over all sent requests,
where a late or lost one counts as 0: accuracy times share in time (Model-Switching, HotCloud'20).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from orchestrators.load import Steps, overloaded_rps
from profiler.records.base import Record, Value

QUANTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99}
UNANSWERED = "nothing was answered"


class Figures(Record):
    """The figures of one task or of all; `switches` counts the changes of the variants that answer."""

    sent: int = Field(ge=0)
    answered: int = Field(ge=0)
    lost: int = Field(ge=0)
    late: int = Field(ge=0)
    in_time_share: float | None = Field(ge=0, le=1)
    accuracy: float | None = Field(ge=0, le=1)
    effective_accuracy: float | None = Field(ge=0, le=1)
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    switches: int = Field(ge=0)


class TaskSeries(Value):
    """The figures by the second in which requests were sent; `None` where none was sent or answered."""

    demand_rps: tuple[float, ...]
    not_in_time_share: tuple[float | None, ...]
    accuracy: tuple[float | None, ...]


class Result(Record):
    """The result of a policy on schedules of `seconds`.

    `cpu_share` is the used share of the present cores: of the box, or of the machines that were up. `held_core_s` were
    reserved, loads included, at most those of the box; `used_core_s` were used for requests. `cost` is that of the
    reserved cores. `infeasible` counts decisions without a plan. `serving` has the variants that answered, each time
    with the moment from which they did.
    """

    policy: str
    seconds: int = Field(ge=1)
    deadline_ms: float = Field(gt=0)
    all_tasks: Figures
    tasks: dict[str, Figures]
    cpu_share: float = Field(ge=0, le=1)
    held_core_s: float = Field(ge=0)
    used_core_s: float = Field(ge=0)
    cost: float | None = Field(ge=0)
    currency: str | None
    infeasible: int = Field(ge=0)
    serving: dict[str, tuple[tuple[float, tuple[str, ...]], ...]]
    series: dict[str, TaskSeries]
    cpu_share_by_second: tuple[float, ...]
    held_cores_by_second: tuple[float, ...]


class Answers:
    """The answers to a task's requests; without an answer `latency_s` is infinite and `accuracy` 0."""

    def __init__(self, moments_s: NDArray[np.float64], deadline_ms: float) -> None:
        self.moments_s, self.deadline_s = moments_s, deadline_ms / 1e3
        self.latency_s = np.full(len(moments_s), np.inf)
        self.accuracy = np.zeros(len(moments_s))

    def add(self, requests: NDArray[np.int64], ended_s: NDArray[np.float64], accuracy: float) -> None:
        """Records the answers of these requests, all of one accuracy."""
        self.latency_s[requests] = ended_s - self.moments_s[requests]
        self.accuracy[requests] = accuracy

    def series(self, seconds: int) -> TaskSeries:
        """The figures by second."""
        second = np.minimum(self.moments_s.astype(np.int64), seconds - 1)
        answered = np.isfinite(self.latency_s)

        def count(weights: NDArray[np.generic] | None) -> NDArray[np.float64]:
            return np.bincount(second, weights, seconds).astype(float)

        sent = count(None)
        return TaskSeries(
            demand_rps=tuple(sent.tolist()),
            not_in_time_share=shares(count(self.latency_s > self.deadline_s), sent),
            accuracy=shares(count(self.accuracy), count(answered)),
        )


def shares(part: NDArray[np.float64], whole: NDArray[np.float64]) -> tuple[float | None, ...]:
    """The elementwise ratios; `None` where the whole is 0."""
    return tuple(a / b if b else None for a, b in zip(part.tolist(), whole.tolist(), strict=True))


def figures(found: Sequence[Answers], switches: int) -> Figures:
    """The figures of all these answers together."""
    latency_s = np.concatenate([one.latency_s for one in found])
    accuracy = np.concatenate([one.accuracy for one in found])
    in_time = np.concatenate([one.latency_s <= one.deadline_s for one in found])
    answered_s = latency_s[np.isfinite(latency_s)]
    sent, answered, timely = len(latency_s), len(answered_s), int(in_time.sum())
    values: dict[str, float | None] = {
        "in_time_share": timely / sent if sent else None,
        "accuracy": float(accuracy.sum()) / answered if answered else None,
        "effective_accuracy": float(accuracy[in_time].sum()) / sent if sent else None,
    }
    quantiles = np.quantile(answered_s, list(QUANTILES.values())).tolist() if answered else [None] * len(QUANTILES)
    values |= {name: 1e3 * value if answered else None for name, value in zip(QUANTILES, quantiles, strict=True)}
    return Figures(
        sent=sent,
        answered=answered,
        lost=sent - answered,
        late=answered - timely,
        switches=switches,
        reasons={name: UNANSWERED if sent else "nothing was sent" for name, value in values.items() if value is None},
        **values,
    )


def overloaded_at(result: Result, steps: Steps) -> float | None:
    """The lowest rate of a task at which too many requests of all tasks were late; `None` without one."""
    rates_rps = steps.rates_rps(result.seconds)
    counts = [in_steps(series, len(rates_rps)) for series in result.series.values()]
    sent, late = np.sum(counts, axis=0)
    return overloaded_rps(rates_rps, sent, late)


def in_steps(series: TaskSeries, steps: int) -> NDArray[np.float64]:
    """The numbers of requests that were sent and not in time in each of the equal steps, (2, steps)."""
    sent = np.array(series.demand_rps)
    late = np.rint(sent * [share or 0.0 for share in series.not_in_time_share])
    found: NDArray[np.float64] = np.stack([sent, late]).reshape(2, steps, -1).sum(axis=2)
    return found


def number(value: float | None, form: str, otherwise: str = "unknown") -> str:
    """The value in a format such as `.4f`; `otherwise` for `None`."""
    return otherwise if value is None else format(value, form)


def percent(share: float | None, digits: int, sign: str = "") -> str:
    """A share as a percentage with `sign` behind it; `unknown` for `None`."""
    return "unknown" if share is None else f"{100 * share:.{digits}f}{sign}"
