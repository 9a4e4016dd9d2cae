"""The search among candidates, on a queue in simulated time whose best batching is known from an exhaustive sweep."""

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
from made_points import capacity as made

from profiler.analysis.batching_queue import BatchingQueue
from profiler.common.batching import Batching
from profiler.common.profile_settings import DynamicBatchingSettings
from profiler.load_generator.single_requests import poisson
from profiler.measure.batching.race import Candidate, grid, race, ranked
from profiler.measure.batching.search import surely_higher
from profiler.measure.capacity.goal import Goal
from profiler.records.capacity import Capacity, InTime, Trial

SETTINGS = DynamicBatchingSettings(
    deadline_ms=None, quantile=0.99, seconds=1.0, search_seconds=60, candidates=4,
    queue_delays_us=[0, 500, 1000, 2000, 5000], preferred_batches=[(2,), (4,), (8,), (16,), (32,), (4, 8), (8, 16)],
)  # fmt: skip


def queue(fixed_ms: float, each_ms: float, joined_ms: float = 0.0) -> BatchingQueue:
    """A batch of n takes `fixed_ms` and `each_ms` for each request, and `joined_ms` for each after the first."""
    rates = {n: n / (fixed_ms + each_ms * n + joined_ms * (n - 1)) * 1e3 for n in (1, 4, 16)}
    return BatchingQueue.of(rates, instances=1)


def goal(deadline_ms: float) -> Goal:
    return Goal(deadline_ms=deadline_ms, latency_ms=1.0, quantile=0.99, seconds=1.0)


def trials_of(real: BatchingQueue, wanted: Goal) -> Callable[[Batching, float, int], Trial]:
    """Trials of two simulated seconds, beside a reference of 1/s."""

    def run(batching: Batching, rate: float, seed: int) -> Trial:
        latencies_s = real.latencies_s(poisson(rate, 2.0, seed), batching)
        share = float(np.mean(latencies_s <= wanted.deadline_ms / 1e3))
        found = InTime(
            deadline_ms=wanted.deadline_ms, in_time_share=share, low_share=share, high_share=share, late_send_share=0
        )
        return Trial(
            offered_per_s=rate, relative_offered=rate, requests=len(latencies_s), lost=0, in_time=(found,),
            exploding=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("deadline_ms", "fixed_ms", "each_ms", "joined_ms"),
    [(10.0, 4.0, 0.5, 0.0), (20.0, 4.0, 0.5, 0.3), (50.0, 2.0, 0.2, 0.1), (20.0, 1.0, 1.0, 0.1), (10.0, 2.0, 0.2, 0.3)],
)
def test_the_winner_has_at_least_nine_tenths_of_the_capacity_of_an_exhaustive_sweep(
    deadline_ms: float, fixed_ms: float, each_ms: float, joined_ms: float
) -> None:
    """The real server takes longer to join requests than the model knows, as a Python backend does."""
    wanted, known, real = goal(deadline_ms), queue(fixed_ms, each_ms), queue(fixed_ms, each_ms, joined_ms)
    candidates = ranked(known, wanted, everything := grid(SETTINGS, deadline_ms), SETTINGS.candidates)
    winner = race(candidates, wanted, candidates[0].predicted_per_s, trials_of(real, wanted), lambda: True)
    capacity = {one: real.capacity_per_s(deadline_ms, 0.99, one) for one in everything}
    assert len(everything) > 8 * SETTINGS.candidates
    assert sum(len(one.trials) for one in candidates) <= 6
    assert capacity[winner.batching] >= 0.9 * max(capacity.values())


def test_the_candidates_are_the_best_of_the_model_with_other_batches_each() -> None:
    wanted, known = goal(20.0), queue(4.0, 0.5)
    found = ranked(known, wanted, grid(SETTINGS, 20.0), 4)
    predicted = [one.predicted_per_s for one in found]
    assert predicted == sorted(predicted, reverse=True)
    assert len({one.batching.preferred_batches for one in found}) == 4
    assert predicted[0] == max(known.capacity_per_s(20.0, 0.99, one) for one in grid(SETTINGS, 20.0))


def test_no_candidate_waits_as_long_as_the_deadline() -> None:
    assert {one.queue_delay_us for one in grid(SETTINGS, 1.0)} == {0, 500}


def test_without_time_the_best_of_the_model_wins_untried() -> None:
    candidates = [Candidate(Batching(queue_delay_us=0, preferred_batches=(size,)), 100.0 / size) for size in (4, 8)]
    winner = race(candidates, goal(10.0), 50.0, trials_of(queue(4.0, 0.5), goal(10.0)), lambda: False)
    assert winner is candidates[0]
    assert not any(one.trials for one in candidates)


def test_where_the_time_ends_within_a_round_the_best_so_far_wins() -> None:
    wanted, moments = goal(20.0), count()
    candidates = ranked(queue(4.0, 0.5), wanted, grid(SETTINGS, 20.0), 4)
    run = trials_of(queue(4.0, 0.5), wanted)
    winner = race(candidates, wanted, 50.0, run, lambda: next(moments) < 2)
    assert winner in candidates[:2]
    assert [len(one.trials) for one in candidates] == [1, 1, 0, 0]


def capacity(low: float | None, high: float | None) -> Capacity:
    return made(1.0, 5).model_copy(update={"low_relative_capacity": low, "high_relative_capacity": high})


@pytest.mark.parametrize(
    ("low", "high", "on"),
    [(1.2, 1.1, True), (1.1, 1.1, False), (1.0, 1.1, False), (None, 1.1, False), (1.2, None, False)],
)
def test_batching_is_on_only_where_its_bracket_lies_above_that_without_it(
    low: float | None, high: float | None, on: bool
) -> None:
    assert surely_higher(capacity(low, None), capacity(None, high)) is on
