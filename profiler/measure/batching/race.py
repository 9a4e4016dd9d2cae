"""The candidates of dynamic batching: ranked by a model of the queue, then raced on the real server.

The race is a successive halving (Jamieson and Talwalkar 2016): each round offers one rate to every candidate and keeps
the better half. The rate rises where a candidate met the deadline, and falls where none did.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from profiler.analysis.batching_queue import BatchingQueue
from profiler.common.batching import Batching
from profiler.common.profile_settings import DynamicBatchingSettings
from profiler.measure.capacity.goal import Goal
from profiler.records.capacity import Trial

STEP = 1.2


@dataclass
class Candidate:
    """A batching, the capacity that the model predicts for it (1/s), and its trials on the server."""

    batching: Batching
    predicted_per_s: float
    trials: list[Trial] = field(default_factory=list)


def grid(settings: DynamicBatchingSettings, deadline_ms: float) -> list[Batching]:
    """Every pair of a queue delay below the deadline and preferred batches."""
    return [
        Batching(queue_delay_us=delay, preferred_batches=batches)
        for batches in settings.preferred_batches
        for delay in settings.queue_delays_us
        if delay / 1e3 < deadline_ms
    ]


def ranked(queue: BatchingQueue, goal: Goal, batchings: Sequence[Batching], most: int) -> list[Candidate]:
    """The candidates with the highest predicted capacity, up to `most`, one for each choice of preferred batches.

    Candidates with the same batches and other delays are alike. Of equal predictions the shorter delay counts.
    """
    best: dict[tuple[int, ...], Candidate] = {}
    for batching in sorted(batchings, key=lambda one: one.queue_delay_us):
        found = Candidate(batching, queue.capacity_per_s(goal.deadline_ms, goal.quantile, batching))
        known = best.get(batching.preferred_batches)
        if known is None or found.predicted_per_s > known.predicted_per_s:
            best[batching.preferred_batches] = found
    return sorted(best.values(), key=lambda one: one.predicted_per_s, reverse=True)[:most]


def race(
    candidates: Sequence[Candidate], goal: Goal, rate: float, run: Callable[[Batching, float, int], Trial],
    time_left: Callable[[], bool],
) -> Candidate:  # fmt: skip
    """The candidate that wins; `run` makes a trial of a batching at a relative rate, with a seed.

    The first rate is `rate`. Where no time is left, the best candidate so far wins.
    """
    left, number = list(candidates), 0
    while len(left) > 1:
        for one in left:
            if not time_left():
                return max(candidates, key=lambda each: standing(each, goal))
            one.trials.append(run(one.batching, rate, number))
        left.sort(key=lambda each: standing(each, goal), reverse=True)
        rate = rate * STEP if met(left[0].trials[-1], goal) else rate / STEP
        left, number = left[: math.ceil(len(left) / 2)], number + 1
    return left[0]


def standing(one: Candidate, goal: Goal) -> tuple[float, float]:
    """The highest rate at which the candidate met the deadline, then its share in time in the last trial."""
    best = max((trial.relative_offered for trial in one.trials if met(trial, goal)), default=0.0)
    return (best, share(one.trials[-1], goal)) if one.trials else (0.0, -1.0)


def met(trial: Trial, goal: Goal) -> bool:
    """Whether the share in time itself reaches the quantile, as a short trial bounds it badly."""
    return share(trial, goal) >= goal.quantile and trial.exploding is not True


def share(trial: Trial, goal: Goal) -> float:
    """The share in time of a trial."""
    found = goal.of(trial)
    return 0.0 if found is None else found.in_time_share
