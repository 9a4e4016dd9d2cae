"""Maximal throughput against servers whose true rate is known, because the tests are the server."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from blank import blank_level
from narrowing import known
from plain_host import PlainHost
from stub_host import go_through, model_on

from profiler.common.errors import ServerError
from profiler.common.profile_settings import ThroughputSettings
from profiler.common.target import Resources
from profiler.load_generator.closed_loop import ClosedLoop, count
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurements
from profiler.measure.throughput import meter
from profiler.measure.throughput.part import measurements
from profiler.measure.throughput.verdict import STILL_ROSE
from profiler.records.throughput import MaximalThroughput, ThroughputPoint
from profiler.runtimes.own_process import InProcess
from profiler.runtimes.served import Expectation

pytestmark = pytest.mark.alone

RAW = ("counted", "seconds", "reference_per_s", "counting")


class Metronome:
    """Serves `lanes` requests at a time, each in exactly `seconds`, whatever the batch."""

    runtime = "metronome"

    def __init__(self, path: Path, seconds: float, lanes: int) -> None:
        self._model, self._seconds = InProcess(path, threads=1), seconds
        self._lanes = threading.Semaphore(lanes)

    def prepare(self, images: np.ndarray) -> Callable[[], np.ndarray]:
        answer = self._model.prepare(images)()

        def call() -> np.ndarray:
            with self._lanes:
                time.sleep(self._seconds)
            return answer

        return call

    def answers_counted(self) -> None:
        return None


class MetronomeHost(PlainHost):
    """Has that model and no process of its own."""

    runtime, address = "metronome", "metronome:1"

    def __init__(self, seconds: float, lanes: int = 1) -> None:
        self._seconds, self._lanes = seconds, lanes

    def load(self, name: str, path: Path, resources: Resources) -> Metronome:
        return Metronome(path, self._seconds, self._lanes)


@pytest.fixture
def expectation(network: Path) -> Expectation:
    return Expectation(network, largest_batch=8)


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "SLICE_S", 0.05)


def settings(batches: list[int], max_concurrency: int) -> ThroughputSettings:
    level = blank_level(
        throughput={
            "batches": batches,
            "max_concurrency": max_concurrency,
            "search_seconds": 0.02,
            "settle_seconds": 0.02,
        }
    )
    assert level.throughput is not None
    return level.throughput


def measured(work: Measurements) -> Ledger:
    ledger = Ledger([], [])
    go_through(work, ledger, "throughput")
    return ledger


def test_the_closed_loop_finds_the_rate_of_a_serial_server(network: Path, expectation: Expectation) -> None:
    found = ClosedLoop(Metronome(network, 0.01, lanes=1), expectation, batch=1, concurrency=3).run(0.5)
    # Sleeping may take longer than asked, never shorter.
    assert 60 < found.counted / found.seconds <= 101
    assert found.requests == len(found.latencies_s)


def test_a_slow_server_is_waited_for_until_there_is_enough_to_count(network: Path, expectation: Expectation) -> None:
    found = ClosedLoop(Metronome(network, 0.05, lanes=1), expectation, batch=1, concurrency=1).run(0.01)
    assert found.requests >= 4
    assert found.counted / found.seconds <= 20.1


def test_a_standstill_across_the_end_of_a_slice_takes_its_time() -> None:
    steady = [0.01 * answer for answer in range(1, 31)]
    assert count(steady, end=0.2) == pytest.approx((19, 0.19))
    stalled = [*steady[:10], *(moment + 1.5 for moment in steady[10:])]
    assert count(stalled, end=0.2) == pytest.approx((10, 1.6))


def test_a_slice_ends_with_an_answer_so_that_sums_of_short_ones_have_no_bias() -> None:
    generator = np.random.default_rng(0)
    counts, seconds = zip(
        *(count(list(np.cumsum(generator.exponential(0.01, 60))), 0.2) for _ in range(4000)), strict=True
    )
    assert sum(counts) / sum(seconds) == pytest.approx(100, rel=0.01)


def test_wrong_answers_stop_the_measurement(expectation: Expectation) -> None:
    class Liar:
        runtime = "liar"

        def prepare(self, images: np.ndarray) -> Callable[[], np.ndarray]:
            return lambda: np.zeros((len(images), 3), np.float32)

        def answers_counted(self) -> None:
            return None

    with pytest.raises(ServerError, match="differ"):
        ClosedLoop(Liar(), expectation, batch=2, concurrency=2).run(0.1)


def test_the_sweep_raises_concurrency_until_it_gains_nothing(network: Path, short_slices: None) -> None:
    model = model_on(MetronomeHost(0.004, lanes=2), network)
    ledger = measured(measurements(model, settings([1], 8), Ledger([], [])))
    tried = [point.concurrency for point in ledger.of(ThroughputPoint)]
    assert tried[:3] == [1, 2, 4]
    (best,) = ledger.of(MaximalThroughput)
    assert best.concurrency >= 2
    assert best.slices == 6
    # Another process may make the last concurrency seem to gain.
    assert best.verdict != "not saturated" or best.concurrency >= 8
    assert known(best.low_images_per_s) < best.images_per_s < known(best.high_images_per_s)


def test_throughput_is_not_batch_over_latency(network: Path, short_slices: None) -> None:
    model = model_on(MetronomeHost(0.01, lanes=4), network)
    (best,) = measured(measurements(model, settings([8], 4), Ledger([], []))).of(MaximalThroughput)
    batch_over_latency = 8 / 0.01
    assert best.images_per_s > 2 * batch_over_latency


def test_a_server_still_gaining_is_called_not_saturated(network: Path, short_slices: None) -> None:
    model = model_on(MetronomeHost(0.01, lanes=8), network)
    ledger = measured(measurements(model, settings([1], 2), Ledger([], [])))
    assert [point.concurrency for point in ledger.of(ThroughputPoint)] == [1, 2]
    (best,) = ledger.of(MaximalThroughput)
    assert (best.concurrency, best.verdict, best.verdict_reason) == (2, "not saturated", STILL_ROSE)


def test_every_batch_is_settled(network: Path, short_slices: None) -> None:
    model = model_on(MetronomeHost(0.004), network)
    ledger = measured(measurements(model, settings([1, 8], 1), Ledger([], [])))
    assert [point.batch for point in ledger.of(MaximalThroughput)] == [1, 8]


@pytest.mark.parametrize("lost", [2, 4])
def test_a_maximum_from_a_sweep_that_was_cut_short_is_measured_again_once_the_sweep_is_whole(
    network: Path, short_slices: None, lost: int
) -> None:
    model, ledger = model_on(MetronomeHost(0.004, lanes=2), network), Ledger([], [])
    work, answer = measurements(model, settings([1], 8), ledger), None
    with suppress(StopIteration):
        while True:
            measurement = work.send(answer)
            answer = None
            if measurement.place.concurrency != lost:
                ledger.add("throughput", measurement.measure())
                answer = ledger.find(measurement)
    (before,) = ledger.of(MaximalThroughput)
    assert (before.concurrency, before.verdict) == (lost // 2, "not saturated")
    again = go_through(measurements(model, settings([1], 8), ledger), ledger, "throughput")
    assert {measurement.kind for measurement in again} == {ThroughputPoint, MaximalThroughput}
    (after,) = ledger.of(MaximalThroughput)
    assert after.concurrency >= 2
    assert after.verdict_reason != STILL_ROSE
    assert not go_through(measurements(model, settings([1], 8), ledger), ledger, "throughput")


def test_every_point_can_be_computed_again_from_its_raw_slices(network: Path, short_slices: None) -> None:
    model = model_on(MetronomeHost(0.004), network)
    ledger = measured(measurements(model, settings([8], 1), Ledger([], [])))
    for name, kind in (("throughput", ThroughputPoint), ("max_throughput", MaximalThroughput)):
        (point,) = ledger.of(kind)
        raw = {figure: model.samples[f"{name}_batch_8_concurrency_1_cores_1_x1_{figure}"] for figure in RAW}
        counting = raw["counting"].astype(int)
        assert len(counting) == point.slices
        counted, seconds = raw["counted"][counting], raw["seconds"][counting]
        assert point.images_per_s == pytest.approx(counted.sum() / seconds.sum())
        references = seconds * raw["reference_per_s"][counting]
        assert point.relative_throughput == pytest.approx(counted.sum() / references.sum())
