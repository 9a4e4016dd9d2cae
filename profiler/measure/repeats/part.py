"""Maximal throughput and latency over and over, as in the thesis's figure 5.6.

The thesis found throughput stable and latency not. Here both are measured in the same moments, so that a drift of
the machine meets both, and both are also given relative to the reference in the same moments.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from profiler.common.profile_settings import RepeatSettings
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS
from profiler.measure.counts import check_counts, count_since
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.repeats.side_by_side import TURN_S, Repeat, SideBySide
from profiler.measure.throughput.part import OVERHEAD_S
from profiler.records.throughput import MaximalThroughput, Repeats
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import ModelUnderTest


def measurements(model: ModelUnderTest, settings: RepeatSettings, ledger: Ledger) -> Measurements:
    """One point, at the target's best batch."""
    maximum = ledger.own_maximum(model.own)
    if maximum is None:
        return
    turn_s = TURN_S + MINIMUM_ANSWERS * maximum.batch / maximum.images_per_s
    seconds = 2 * OVERHEAD_S + settings.repeats * max(settings.seconds, turn_s)

    def measure() -> list[Repeats]:
        return [measure_repeats(model, maximum, settings)]

    yield Measurement(Repeats, replace(maximum.place, repeats=settings.repeats), seconds, measure)


def measure_repeats(model: ModelUnderTest, maximum: MaximalThroughput, settings: RepeatSettings) -> Repeats:
    """The repeats, one after the other. Raises `ServerError` where server and client count differently."""
    noise, both, served = NoiseMeter(), SideBySide(model, maximum), model.serve()
    reference = model.reference()
    counted = served.answers_counted()
    repeats = [both.repeat(settings.seconds) for _ in range(settings.repeats)]
    answers = maximum.batch * sum(turn.load.requests for one in repeats for turn in one.turns)
    check_counts(count_since(served, counted, answers), answers)
    keep(model, repeats, maximum.batch)
    rates = [one.answers_per_s() * maximum.batch for one in repeats]
    relative_rates = [one.relative_answers() * maximum.batch for one in repeats]
    medians = [float(np.median(one.latencies_ms())) for one in repeats]
    relative_medians = [float(np.median(one.relative_latencies())) for one in repeats]
    means = [float(np.mean(one.latencies_ms())) for one in repeats]
    references_per_s = [one.reference_per_s() for one in repeats]
    return Repeats(
        **maximum.place.fields(),
        batch=maximum.batch,
        concurrency=maximum.concurrency,
        repeats=settings.repeats,
        repeat_s=settings.seconds,
        images_per_s=tuple(rates),
        images_per_s_cv=variation(rates),
        relative_throughput=tuple(relative_rates),
        relative_throughput_cv=variation(relative_rates),
        latency_runtime=model.target.computes_in,
        latency_p50_ms=tuple(medians),
        latency_p50_cv=variation(medians),
        relative_latency_p50=tuple(relative_medians),
        relative_latency_p50_cv=variation(relative_medians),
        latency_mean_ms=tuple(means),
        latency_mean_cv=variation(means),
        reference_per_s=tuple(references_per_s),
        noise=noise.read(float(np.median(references_per_s)), reference.kind),
    )


def variation(values: Sequence[float]) -> float:
    """The coefficient of variation: standard deviation over mean."""
    return float(np.std(values, ddof=1) / np.mean(values))


def keep(model: ModelUnderTest, repeats: Sequence[Repeat], batch: int) -> None:
    """The raw values: of every slice of load, and of every inference, with the number of their repeat."""
    turns = [(index, turn) for index, one in enumerate(repeats) for turn in one.turns]
    model.samples["repeats_load"] = np.array(
        [[index, one.load.counted * batch, one.load.seconds, one.load_reference_per_s] for index, one in turns]
    )
    model.samples["repeats_latency"] = np.array(
        [[index, value, one.latency_reference_per_s] for index, one in turns for value in one.latencies_ms]
    )
