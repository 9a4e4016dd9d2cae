"""The highest rate that is answered in time, found by bisection.

A trial meets the deadline where the lower end of its share in time is the quantile or more, and its queue is stable.
Trials with too few requests to decide steer the search and leave it unsettled. Trials in which the load generator was
late itself tell nothing of the server, and are repeated.
"""

import math
import time
from collections.abc import Sequence

import numpy as np

from profiler.analysis.capacity_search import Bracket, bracket, next_rate
from profiler.analysis.statistics import samples_for_percentile
from profiler.measure.capacity.goal import Goal
from profiler.measure.capacity.trial import Measured
from profiler.measure.capacity.trial_meter import BATCH, OVERHEAD_S, Maximum, TrialMeter
from profiler.records.base import MissingValues, Verdict
from profiler.records.capacity import Capacity, Trial
from profiler.records.place import Place

MOST_TRIALS = 8
EXPECTED_TRIALS = 5
EXPECTED_TRIALS_MORE = 4
LATE_TRIALS = 3
PATIENCE = 1.5
SETTLED_WIDTH = 0.1


def expected_seconds(goal: Goal, most: Maximum, known: Sequence[Trial]) -> float:
    """What a search should take: less where earlier trials are known."""
    trials = EXPECTED_TRIALS_MORE if known else EXPECTED_TRIALS
    return trials * (goal.trial_seconds(goal.guess(most.per_s)) + OVERHEAD_S)


def measure_capacity(meter: TrialMeter, goal: Goal, known: Sequence[Trial], limit_s: float = math.inf) -> Capacity:
    """Trials until the bracket is narrow; those `known` from the same resources count where they are clear.

    No trial begins after `limit_s`.
    """
    most = meter.most
    start = goal.guess(most.per_s) / most.per_s * most.relative
    trials = [trial for trial in known if goal.decided(trial)]
    done: list[Measured] = []
    limit = time.monotonic() + min(limit_s, PATIENCE * expected_seconds(goal, most, known))
    while len(done) < MOST_TRIALS and time.monotonic() < limit:
        rate = next_rate(goal.outcomes(trials), start, most.relative)
        if rate is None or sum(goal.late(one.trial) for one in done) >= LATE_TRIALS:
            break
        seconds = goal.trial_seconds(rate / most.relative * most.per_s)
        measured = meter.run(rate, seconds, seed=len(trials))
        done.append(measured)
        trials.append(measured.trial)
    keep(meter, goal, done)
    return summarise(meter, goal, trials, done)


def keep(meter: TrialMeter, goal: Goal, done: Sequence[Measured]) -> None:
    """The raw moments go to the model's samples."""
    resources = meter.resources
    name = f"{meter.title}_{goal.deadline_ms:g}_ms_cores_{resources.cores:g}_x{resources.instances}"
    for number, measured in enumerate(done):
        meter.model.samples[f"{name}_trial_{number}_moments_s"] = measured.raw()


def summarise(meter: TrialMeter, goal: Goal, trials: Sequence[Trial], done: Sequence[Measured]) -> Capacity:
    """The point from all `trials`, of which those `done` were made for it."""
    offered = bracket(goal.outcomes(trials, relative=False))
    relative = bracket(goal.outcomes(trials))
    share = None if relative.best is None else relative.best / meter.most.relative
    verdict, why = judge(relative, goal, trials, meter.most.per_s / meter.most.relative)
    reference_per_s = float(np.median([one.reference_per_s for one in done])) if done else None
    missing = MissingValues()

    def end(name: str, value: float | None) -> float | None:
        return missing.note(name, value, unknown_end(name, relative))

    return Capacity(
        **Place(meter.model.runtime, meter.resources).fields(),
        batch=BATCH,
        deadline_ms=goal.deadline_ms,
        quantile=goal.quantile,
        requests_per_s=end("requests_per_s", offered.best),
        low_requests_per_s=end("low_requests_per_s", offered.low),
        high_requests_per_s=end("high_requests_per_s", offered.high),
        relative_capacity=end("relative_capacity", relative.best),
        low_relative_capacity=end("low_relative_capacity", relative.low),
        high_relative_capacity=end("high_relative_capacity", relative.high),
        max_throughput_share=end("max_throughput_share", share),
        trials=tuple(one.trial for one in done),
        verdict=verdict,
        verdict_reason=why,
        noise=meter.noise.read(reference_per_s, meter.reference.kind),
        reasons=missing.reasons,
    )


def unknown_end(name: str, found: Bracket) -> str:
    """Why a bracket has no such end."""
    if "high" in name:
        return "no rate failed above all that met the deadline"
    return "no rate met the deadline" if found.best is None else "a lower rate failed than any that met the deadline"


def judge(found: Bracket, goal: Goal, trials: Sequence[Trial], reference_per_s: float) -> tuple[Verdict, str]:
    """Whether the bracket of relative rates holds the capacity, and why not, in requests/s beside that reference."""

    def per_s(rate: float) -> str:
        return f"{rate * reference_per_s:.1f}/s"

    rates = [trial.relative_offered for trial in trials]
    late = [rate for rate, trial in zip(rates, trials, strict=True) if goal.late(trial) and rate > (found.best or 0)]
    if late and found.high is None:
        return "not saturated", f"the load generator was late itself from {per_s(min(late))} on: it was the limit"
    if found.best is None:
        return "unsettled", f"no rate down to {per_s(min(rates))} met the deadline"
    if found.high is None:
        return "not saturated", f"no rate failed above {per_s(found.best)}, the highest that met the deadline"
    ends = [trial for trial in trials if trial.relative_offered in (found.best, found.high)]
    if undecided := [trial.requests for trial in ends if not goal.decided(trial)]:
        needed = samples_for_percentile(goal.quantile)
        return "unsettled", f"p{goal.quantile * 100:g} needs {needed} requests in a trial, {min(undecided)} were sent"
    if found.low is None:
        return "unsettled", f"a trial at {per_s(min(rates))} failed, below every one that met the deadline"
    width = (found.high - found.low) / found.best
    why = f"every trial was in time up to {per_s(found.low)}, and none from {per_s(found.high)} on: {width:.1%} apart"
    return ("settled" if width <= SETTLED_WIDTH else "unsettled"), why
