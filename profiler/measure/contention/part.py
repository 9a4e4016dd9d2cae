"""What is left of a model's throughput beside another one, as in the thesis's table 5.1."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from profiler.common.errors import ServerError
from profiler.common.profile_settings import ContentionSettings
from profiler.common.scratch import scratch
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS, SLICE_S, ClosedLoop
from profiler.load_generator.paced_loop import PacedLoop
from profiler.load_generator.reference import SLICE_S as PROBE_SLICE_S
from profiler.load_generator.reference_network import write_reference
from profiler.measure.contention.co_run import ALONE, LEAD_S, CoRun, Stretch
from profiler.measure.contention.point import contention, per_probe
from profiler.measure.counts import check_counts, count_since
from profiler.measure.ledger import Ledger
from profiler.measure.maximum import own_maximum
from profiler.measure.measurement import Task, Tasks
from profiler.measure.throughput.part import OVERHEAD_S
from profiler.records.contention import Contention
from profiler.records.throughput import MaximalThroughput
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import Subject

REFERENCE_SLICES = 6
# For each instance, so that a request always waits for it.
REFERENCE_CONCURRENCY = 4


def tasks(subject: Subject, settings: ContentionSettings, ledger: Ledger) -> Tasks:
    """One point for each share, at the target's best batch; the shares still to come are measured along with it."""
    maximum = own_maximum(subject, ledger)
    if maximum is None:
        return
    for index, share in enumerate(settings.shares):
        shares = settings.shares[index:]

        def measure(shares: Sequence[float] = shares) -> list[Contention]:
            return measure_shares(subject, maximum, shares, settings.slices)

        yield Task(Contention, {**maximum.at(), "share": share}, expected_s(maximum, shares, settings.slices), measure)


def expected_s(maximum: MaximalThroughput, shares: Sequence[float], slices: int) -> float:
    """Two loads, the reference network's own maximum, then the rounds; a slow model takes longer for its answers."""
    answers_s = MINIMUM_ANSWERS * maximum.batch / maximum.images_per_s
    stretches_s = [max(SLICE_S, answers_s / (1 - share)) + LEAD_S + PROBE_SLICE_S for share in (ALONE, *shares)]
    return 2 * OVERHEAD_S + REFERENCE_SLICES * (SLICE_S + LEAD_S + PROBE_SLICE_S) + slices * sum(stretches_s)


def measure_shares(
    subject: Subject, maximum: MaximalThroughput, shares: Sequence[float], slices: int
) -> list[Contention]:
    """Rounds of a slice alone and one beside each share, so that a drift of the machine meets them all alike."""
    noise, kinds = NoiseMeter(), (ALONE, *shares)
    with reference_network(subject) as reference, subject.driving():
        reference_max = reference_per_probe(reference)
        served = subject.serve()
        loop = ClosedLoop(served, subject.expectation, maximum.batch, maximum.concurrency)
        run = CoRun(subject, loop, PacedLoop(reference.serve(), reference.expectation), reference_max)
        counted = served.answers_counted()
        rounds: dict[float, list[Stretch]] = {kind: [] for kind in kinds}
        for turn in range(slices):
            for kind in kinds[turn % len(kinds) :] + kinds[: turn % len(kinds)]:
                rounds[kind].append(run.stretch(kind))
        stretches = [one for kind in kinds for one in rounds[kind]]
        answers = maximum.batch * sum(one.load.requests for one in stretches)
        check_counts(count_since(served, counted, answers), answers)
    keep(subject, rounds, maximum.batch)
    probe_per_s = float(np.median([one.probe_per_s for one in stretches]))
    # The reference network's maximum at the speed that the machine had on the whole.
    shared = {
        "reference_max_per_s": reference_max * probe_per_s,
        "noise": noise.read(probe_per_s, subject.yardstick().probe),
    }
    in_process = subject.bench.host.address is None
    return [contention(maximum, share, rounds[ALONE], rounds[share], in_process, shared) for share in shares]


def reference_per_probe(reference: Subject) -> float:
    """What the reference network answers at most for each run of the probe, by stretches like those of the model."""
    served, instances = reference.serve(), reference.bench.target.instances
    loop = ClosedLoop(served, reference.expectation, 1, REFERENCE_CONCURRENCY * instances)
    run = CoRun(reference, loop, PacedLoop(served, reference.expectation), 0.0)
    return per_probe([run.stretch(ALONE) for _ in range(REFERENCE_SLICES)])


def keep(subject: Subject, rounds: dict[float, list[Stretch]], batch: int) -> None:
    """The raw values of every slice."""
    for share, stretches in rounds.items():
        values = {
            "counted": [one.load.counted * batch for one in stretches],
            "seconds": [one.load.seconds for one in stretches],
            "probe_per_s": [one.probe_per_s for one in stretches],
            "reference_answered_per_s": [one.answered_per_s for one in stretches],
        }
        for name, raw in values.items():
            subject.samples[f"contention_batch_{batch}_share_{share:g}_{name}"] = np.array(raw)


@contextmanager
def reference_network(subject: Subject) -> Iterator[Subject]:
    """The other model, loaded with the same resources under its own name, and gone when the block ends."""
    if subject.bench.target.model is not None:
        raise ServerError("the server keeps to the models that it was started with: no other can be put beside this")
    rates = subject.reference_per_s, subject.served_reference_per_s
    with scratch("contention") as made:
        path = made.folder / "model.onnx"
        write_reference(path)
        with Subject(subject.bench, path, rates[0], [], rates[1], "dnn-porting-beside") as reference:
            subject.serve()
            yield reference
