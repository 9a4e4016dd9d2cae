"""Maximal throughput and latency over and over, as in the thesis's figure 5.6.

The thesis found throughput stable and latency not. Here both are measured in the same moments, so that a drift of
the machine meets both, and both are also given with that drift divided out.
"""

from collections.abc import Sequence

import numpy as np

from profiler.common.profile_settings import RepeatSettings
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS
from profiler.measure.counts import check_counts, count_since
from profiler.measure.latency.part import RUNTIME
from profiler.measure.ledger import Ledger
from profiler.measure.maximum import own_maximum
from profiler.measure.measurement import Task, Tasks
from profiler.measure.repeats.side_by_side import TURN_S, Repeat, SideBySide
from profiler.measure.throughput.part import OVERHEAD_S
from profiler.records.repeats import Repeats
from profiler.records.throughput import MaximalThroughput
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import Subject


def tasks(subject: Subject, settings: RepeatSettings, ledger: Ledger) -> Tasks:
    """One point, at the target's best batch."""
    maximum = own_maximum(subject, ledger)
    if maximum is None:
        return
    turn_s = TURN_S + MINIMUM_ANSWERS * maximum.batch / maximum.images_per_s
    seconds = 2 * OVERHEAD_S + settings.repeats * max(settings.seconds, turn_s)

    def measure() -> list[Repeats]:
        return [measure_repeats(subject, maximum, settings)]

    yield Task(Repeats, {**maximum.at(), "repeats": settings.repeats}, seconds, measure)


def measure_repeats(subject: Subject, maximum: MaximalThroughput, settings: RepeatSettings) -> Repeats:
    """The repeats, one after the other. Raises `ServerError` where server and client count differently."""
    noise, both, served = NoiseMeter(), SideBySide(subject, maximum), subject.serve()
    yardstick = subject.yardstick()
    counted = served.answers_counted()
    repeats = [both.repeat(settings.seconds) for _ in range(settings.repeats)]
    answers = maximum.batch * sum(turn.load.requests for one in repeats for turn in one.turns)
    check_counts(count_since(served, counted, answers), answers)
    keep(subject, repeats, maximum.batch)
    series = {
        "images_per_s": [one.answers_per_s() * maximum.batch for one in repeats],
        "corrected_images_per_s": [one.corrected_answers_per_s() * maximum.batch for one in repeats],
        "latency_p50_ms": [float(np.median(one.latencies_ms())) for one in repeats],
        "corrected_latency_p50_ms": [float(np.median(one.corrected_latencies_ms())) for one in repeats],
        "latency_mean_ms": [float(np.mean(one.latencies_ms())) for one in repeats],
        "probe_per_s": [one.load_speed() * yardstick.reference_per_s for one in repeats],
    }
    spreads = {
        name.removesuffix("_ms") + "_cv": variation(raw) for name, raw in series.items() if name != "probe_per_s"
    }
    return Repeats.model_validate(
        {
            **maximum.at(),
            **series,
            **spreads,
            "concurrency": maximum.concurrency,
            "repeats": settings.repeats,
            "repeat_s": settings.seconds,
            "latency_runtime": RUNTIME,
            "noise": noise.read(float(np.median(series["probe_per_s"])), yardstick.probe),
        }
    )


def variation(values: Sequence[float]) -> float:
    """The coefficient of variation: standard deviation over mean."""
    return float(np.std(values, ddof=1) / np.mean(values))


def keep(subject: Subject, repeats: Sequence[Repeat], batch: int) -> None:
    """The raw values: of every slice of load, and of every inference, with the number of their repeat."""
    turns = [(index, turn) for index, one in enumerate(repeats) for turn in one.turns]
    subject.samples["repeats_load"] = np.array(
        [[index, one.load.counted * batch, one.load.seconds, one.load_speed] for index, one in turns]
    )
    subject.samples["repeats_latency"] = np.array(
        [[index, value, one.latency_speed] for index, one in turns for value in one.latencies_ms]
    )
