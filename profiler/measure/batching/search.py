"""The search for the dynamic batching of a served model, within a stated time."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from profiler.analysis.batching_queue import BatchingQueue
from profiler.common.batching import Batching
from profiler.common.profile_settings import DynamicBatchingSettings
from profiler.common.target import Resources
from profiler.measure.batching.race import Candidate, grid, race, ranked
from profiler.measure.capacity.bisection import measure_capacity
from profiler.measure.capacity.goal import Goal
from profiler.measure.capacity.trial_meter import Maximum, TrialMeter
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.point import maximal_throughput
from profiler.records.base import Verdict
from profiler.records.capacity import Capacity, Trial
from profiler.records.dynamic_batching import DynamicBatching, TriedBatching
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import ModelUnderTest

# The share of the time for the race, and the time for the last trial and for the maximum at the end.
RACE_SHARE, LAST_S = 0.55, 10.0
MAXIMUM_SECONDS = 2.0
# So many callers keep two batches of the largest preferred size waiting, within what the load generator carries.
CALLERS_A_BATCH, MOST_CALLERS = 2, 32
# The batch whose time the model of the queue learns, unless all preferred ones are smaller.
LEARNT_BATCH = 16


@dataclass(frozen=True)
class Search:
    """The search for a model under a goal; without batching, `single` is its maximum and `without` its capacity."""

    model: ModelUnderTest
    goal: Goal
    settings: DynamicBatchingSettings
    single: Maximum
    without: Capacity

    def run(self) -> DynamicBatching:
        """The best batching with its figures; it is `on` where it is better beyond the noise."""
        start, noise = time.monotonic(), NoiseMeter()
        race_until = start + RACE_SHARE * self.settings.search_seconds
        batchings = grid(self.settings, self.goal.deadline_ms)
        queue, most = self.learn(batchings)
        found = ranked(queue, self.goal, batchings, self.settings.candidates)
        rate = found[0].predicted_per_s * self._scale(queue)
        run = partial(self.trial, most)
        winner = race(found, self.goal, rate, run, lambda: time.monotonic() < race_until)
        left_s = start + self.settings.search_seconds - LAST_S - time.monotonic()
        capacity = self.capacity(winner.batching, most, winner.trials, left_s)
        on = surely_higher(capacity, self.without)
        maximum = self.maximum(winner.batching) if on else None
        return self._record(winner, found, capacity, maximum, noise, time.monotonic() - start)

    def learn(self, batchings: Sequence[Batching]) -> tuple[BatchingQueue, Maximum]:
        """The queue from the times of a single request and of a joined batch, and the higher one of both maxima.

        A batch of single requests takes longer than one request with as many inputs, so it is measured.
        """
        sizes = {size for one in batchings for size in one.preferred_batches}
        learnt = max((size for size in sizes if size <= LEARNT_BATCH), default=LEARNT_BATCH)
        delay_us = min((one.queue_delay_us for one in batchings if one.queue_delay_us), default=0)
        found = self.maximum(Batching(queue_delay_us=delay_us, preferred_batches=(learnt,)))
        rates = {1: self.single.per_s, max(2, learnt): found.images_per_s}
        joined = Maximum(found.images_per_s, found.relative_throughput)
        most = max(self.single, joined, key=lambda one: one.relative)
        return BatchingQueue.of(rates, self.model.own.instances), most

    def _scale(self, queue: BatchingQueue) -> float:
        """Relative requests for each predicted one: the measured capacity without batching over the predicted one."""
        predicted = queue.capacity_per_s(self.goal.deadline_ms, self.goal.quantile, None)
        if self.without.relative_capacity is None or not predicted:
            return self.single.relative / self.single.per_s
        return self.without.relative_capacity / predicted

    def _meter(self, batching: Batching, most: Maximum) -> TrialMeter:
        sizes = "_".join(map(str, batching.preferred_batches))
        title = f"batching_{batching.queue_delay_us}_us_{sizes}"
        return TrialMeter(self.model, joined(self.model.own, batching), [self.goal.deadline_ms], most, title)

    def trial(self, most: Maximum, batching: Batching, rate: float, seed: int) -> Trial:
        """One open loop at a relative rate, at most the maximum `most`."""
        seconds = self.goal.trial_seconds(rate / most.relative * most.per_s)
        meter = self._meter(batching, most)
        measured = meter.run(rate, seconds, seed)
        self.model.samples[f"{meter.title}_race_{seed}_moments_s"] = measured.raw()
        return measured.trial

    def capacity(
        self, batching: Batching, most: Maximum, known: Sequence[Trial] = (), limit_s: float = math.inf
    ) -> Capacity:
        """The capacity with a batching, from the trials of the race too, within so many seconds."""
        return measure_capacity(self._meter(batching, most), self.goal, known, limit_s)

    def maximum(self, batching: Batching) -> MaximalThroughput:
        """The throughput of single requests in a closed loop of many callers; more callers were not tried."""
        resources = joined(self.model.own, batching)
        callers = min(MOST_CALLERS, CALLERS_A_BATCH * batching.largest * resources.instances)
        run = ThroughputMeter(self.model, resources).run(1, callers, MAXIMUM_SECONDS)
        return maximal_throughput(self.model, resources, run, saturated=False, searched_relative=0.0)

    def _record(
        self, winner: Candidate, tried: Sequence[Candidate], capacity: Capacity, maximum: MaximalThroughput | None,
        noise: NoiseMeter, search_s: float,
    ) -> DynamicBatching:  # fmt: skip
        verdict, why = judge(capacity, self.without)
        reasons = {} if maximum else {"maximum": "dynamic batching is off: its capacity is not surely higher"}
        return DynamicBatching(
            **Place(self.model.runtime, self.model.own).fields(),
            deadline_ms=self.goal.deadline_ms,
            quantile=self.goal.quantile,
            on=maximum is not None,
            best=winner.batching,
            capacity=capacity,
            without=self.without,
            maximum=maximum,
            tried=tuple(
                TriedBatching(
                    batching=one.batching, predicted_requests_per_s=one.predicted_per_s, trials=tuple(one.trials)
                )
                for one in tried
            ),
            search_s=search_s,
            verdict=verdict,
            verdict_reason=why,
            noise=noise.read(capacity.noise.reference_per_s, capacity.noise.reference),
            reasons=reasons,
        )


def joined(own: Resources, batching: Batching) -> Resources:
    """The resources with a server that joins requests."""
    return replace(own, batching=batching)


def surely_higher(capacity: Capacity, without: Capacity) -> bool:
    """Whether the bracket of a capacity lies above that without batching, so that noise switches nothing on."""
    low, high = capacity.low_relative_capacity, without.high_relative_capacity
    return low is not None and high is not None and low > high


def judge(capacity: Capacity, without: Capacity) -> tuple[Verdict, str]:
    """The verdict of the less reliable of the two capacities."""
    for name, one in (("with batching", capacity), ("without batching", without)):
        if one.verdict != "settled":
            return one.verdict, f"{name}: {one.verdict_reason}"
    return "settled", "both capacities are settled"
