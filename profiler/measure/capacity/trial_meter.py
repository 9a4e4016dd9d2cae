"""One open loop between two readings of the reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from profiler.analysis.capacity_search import growth
from profiler.common.errors import ServerError
from profiler.common.target import Resources
from profiler.load_generator.open_loop import OpenLoop, OpenRun, expecting
from profiler.load_generator.reference import Reference
from profiler.load_generator.single_requests import Submit, poisson, submitting
from profiler.measure.capacity.trial import Measured, summarise
from profiler.measure.counts import check_counts, count_since
from profiler.system.machine import pinned
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import ModelUnderTest

BATCH = 1
DRAIN_S = 2.0
# A stable queue of a slow model may be this long for a moment.
DRAIN_REQUESTS = 20
BACKLOG_BYTES = 2**28
# Two readings of the reference, the warm-up, and the last answers.
OVERHEAD_S = 0.5
SPEED_BESIDE_S = 0.6
WARM_REQUESTS = 4
WARM_LIMIT_S = 30.0


@dataclass(frozen=True)
class Maximum:
    """The most single requests that a model answers: per second, and for each inference of the reference."""

    per_s: float
    relative: float


@dataclass
class TrialMeter:
    """Offers Poisson arrivals to a model; relative rates are in requests for each inference of the reference.

    `most` bounds the backlog that can be answered within the wait for the last answers. Samples begin with `title`.
    """

    model: ModelUnderTest
    resources: Resources
    deadlines_ms: Sequence[float]
    most: Maximum
    title: str = "capacity"
    noise: NoiseMeter = field(default_factory=NoiseMeter)

    @property
    def reference(self) -> Reference:
        """What tells the drift beside the trials."""
        return self.model.reference(self.resources)

    def run(self, relative_rate: float, seconds: float, seed: int) -> Measured:
        """What becomes of that rate; a machine that is slow at this moment is offered fewer requests per second.

        Raises `ServerError` where a request failed, an answer was wrong, or the server and this side count differently.
        """
        model, resources = self.model, self.resources
        served, images = model.serve(resources), model.expectation.images(BATCH)
        with (
            pinned(model.prepared.client_cores),
            submitting(served, images, resources.instances, model.cores(resources)) as submit,
        ):
            self._warm_up(submit)
            before, counted = self._speed(), served.answers_counted()
            rate_per_s = relative_rate * before
            drain_s = self._drain_s(before)
            judge, most = expecting(model.expectation), self._max_backlog(images.nbytes, before * drain_s)
            loop = OpenLoop(submit, judge, most, drain_s)
            start_s = model.cpu_seconds()
            run = loop.run(poisson(rate_per_s, seconds, seed))
            used_s = model.cpu_seconds_since(start_s)
            after = self._speed()
            counted = count_since(served, counted, run.answered * BATCH)
        self._check(run, counted)
        return self._measured(run, rate_per_s, (before, after), used_s)

    def _warm_up(self, submit: Submit) -> None:
        """A few requests at once for every instance."""
        requests = WARM_REQUESTS * self.resources.instances
        judge = expecting(self.model.expectation)
        run = OpenLoop(submit, judge, requests, WARM_LIMIT_S).run(np.zeros(requests))
        if run.answered < requests:
            raise ServerError(f"only {run.answered} of {requests} requests were answered in {WARM_LIMIT_S:g} s")

    def _speed(self) -> float:
        return self.reference.rate_per_s(SPEED_BESIDE_S)

    def _max_backlog(self, request_bytes: int, references: float) -> int:
        """The requests that memory holds, and that are answered within so many inferences of the reference."""
        return max(1, min(BACKLOG_BYTES // request_bytes, int(self.most.relative * references)))

    def _drain_s(self, reference_per_s: float) -> float:
        """The wait for the last answers, at this rate of the reference."""
        return max(DRAIN_S, 2 * max(self.deadlines_ms) / 1e3, DRAIN_REQUESTS / (self.most.relative * reference_per_s))

    def _check(self, run: OpenRun, counted: int | None) -> None:
        """Raises `ServerError` where the server did not do what was asked; a queue with lost requests is cleared."""
        if not run.answered:
            raise ServerError(f"none of {len(run.scheduled_s)} requests was answered within {run.wall_s:.1f} s")
        if run.answered < len(run.scheduled_s):
            self.model.unload()
        else:
            check_counts(counted, run.answered * BATCH)

    def _measured(
        self, run: OpenRun, rate_per_s: float, references_per_s: tuple[float, float], used_s: float | None
    ) -> Measured:
        before, after = references_per_s
        reference_per_s = (before + after) / 2
        rates = rate_per_s, rate_per_s / reference_per_s
        grown = growth(run, self.resources.instances)
        trial = summarise(run, grown, rates, self.deadlines_ms)
        if used_s is not None and self.model.in_process:
            # The sender takes a part of what is counted.
            used_s = max(0.0, used_s - run.sender_cpu_s)
        return Measured(trial, run, grown, reference_per_s, after / before - 1, used_s)
