"""What is left of a model's throughput beside another one, as in the thesis's table 5.1."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from profiler.common.errors import ServerError
from profiler.common.profile_settings import ContentionSettings
from profiler.common.scratch import scratch
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS, SLICE_S, ClosedLoop
from profiler.load_generator.reference import SLICE_S as REFERENCE_SLICE_S
from profiler.load_generator.reference import write_reference
from profiler.load_generator.single_requests import PacedLoop
from profiler.measure.contention.co_run import ALONE, LEAD_S, CoRun, Stretch
from profiler.measure.contention.point import Shared, contention, per_reference
from profiler.measure.counts import check_counts, count_since
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.throughput.part import OVERHEAD_S
from profiler.records.throughput import Contention, MaximalThroughput
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import ModelUnderTest

REFERENCE_SLICES = 6
REFERENCE = "the reference network"
# For each instance, so that a request always waits for it.
REFERENCE_CONCURRENCY = 4


def measurements(model: ModelUnderTest, settings: ContentionSettings, ledger: Ledger) -> Measurements:
    """One point for each share, at the target's best batch; the shares still to come are measured along with it."""
    maximum = ledger.own_maximum(model.own)
    if maximum is None:
        return
    for index, share in enumerate(settings.shares):
        shares = settings.shares[index:]

        def measure(shares: Sequence[float] = shares) -> list[Contention]:
            return measure_shares(model, maximum, shares, settings.slices)

        place = replace(maximum.place, share=share)
        yield Measurement(Contention, place, expected_s(maximum, shares, settings.slices), measure)


def expected_s(maximum: MaximalThroughput, shares: Sequence[float], slices: int) -> float:
    """Two loads, the other model's own maximum, then the rounds; a slow model takes longer for its answers."""
    answers_s = MINIMUM_ANSWERS * maximum.batch / maximum.images_per_s
    stretches_s = [max(SLICE_S, answers_s / (1 - share)) + LEAD_S + REFERENCE_SLICE_S for share in (ALONE, *shares)]
    return 2 * OVERHEAD_S + REFERENCE_SLICES * (SLICE_S + LEAD_S + REFERENCE_SLICE_S) + slices * sum(stretches_s)


def measure_shares(
    model: ModelUnderTest, maximum: MaximalThroughput, shares: Sequence[float], slices: int
) -> list[Contention]:
    """Rounds of a slice alone and one beside each share, so that a drift of the machine meets them all alike."""
    noise, kinds = NoiseMeter(), (ALONE, *shares)
    with other_model(model) as other, model.driving():
        other_max = max_per_reference(other)
        served = model.serve()
        loop = ClosedLoop(served, model.expectation, maximum.batch, maximum.concurrency)
        run = CoRun(model, loop, PacedLoop(other.serve(), other.expectation), other_max)
        counted = served.answers_counted()
        rounds: dict[float, list[Stretch]] = {kind: [] for kind in kinds}
        for turn in range(slices):
            for kind in kinds[turn % len(kinds) :] + kinds[: turn % len(kinds)]:
                rounds[kind].append(run.stretch(kind))
        stretches = [one for kind in kinds for one in rounds[kind]]
        answers = maximum.batch * sum(one.load.requests for one in stretches)
        check_counts(count_since(served, counted, answers), answers)
    keep(model, rounds, maximum.batch)
    reference_per_s = float(np.median([one.reference_per_s for one in stretches]))
    found = noise.read(reference_per_s, model.reference().kind)
    beside = REFERENCE if model.co_runner is None else model.co_runner.name
    # The other model's maximum at the speed that the machine had on the whole.
    shared = Shared(maximum, model.in_process, beside, other_max * reference_per_s, found)
    return [contention(shared, share, rounds[ALONE], rounds[share]) for share in shares]


def max_per_reference(other: ModelUnderTest) -> float:
    """What the other model answers at most for each run of the reference, by stretches like those of the model."""
    served, instances = other.serve(), other.own.instances
    loop = ClosedLoop(served, other.expectation, 1, REFERENCE_CONCURRENCY * instances)
    run = CoRun(other, loop, PacedLoop(served, other.expectation), 0.0)
    return per_reference([run.stretch(ALONE) for _ in range(REFERENCE_SLICES)])


def keep(model: ModelUnderTest, rounds: dict[float, list[Stretch]], batch: int) -> None:
    """The raw values of every slice."""
    for share, stretches in rounds.items():
        values = {
            "counted": [one.load.counted * batch for one in stretches],
            "seconds": [one.load.seconds for one in stretches],
            "reference_per_s": [one.reference_per_s for one in stretches],
            "other_answered_per_s": [one.answered_per_s for one in stretches],
        }
        for name, raw in values.items():
            model.samples[f"contention_batch_{batch}_share_{share:g}_{name}"] = np.array(raw)


@contextmanager
def other_model(model: ModelUnderTest) -> Iterator[ModelUnderTest]:
    """The other model, loaded with the same resources under its own name, and gone when the block ends.

    It is the co-runner, or the reference network where there is none.
    """
    if model.target.model is not None:
        raise ServerError("the server keeps to the models that it was started with: no other can be put beside this")
    with scratch("contention") as made:
        path = made.folder / "model.onnx" if model.co_runner is None else model.co_runner.path
        if model.co_runner is None:
            write_reference(path)
        with ModelUnderTest(model.prepared, path, name="dnn-porting-beside") as other:
            model.serve()
            yield other
