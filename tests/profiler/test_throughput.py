"""Maximal throughput against servers whose true rate is known, because the tests are the server."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from profiler.analysis.statistics import MedianInterval
from profiler.errors import ServerError
from profiler.load_generator.closed_loop import ClosedLoop
from profiler.load_generator.probe import Probe
from profiler.measure.throughput import Search, ThroughputMeter, check_counts, judge
from profiler.runtimes.served import Expectation, InProcess
from profiler.target import Target


class Metronome:
    """Serves one request at a time, each in exactly `seconds`: its true rate does not depend on concurrency."""

    runtime = "metronome"

    def __init__(self, expectation: Expectation, seconds: float, lanes: int = 1, miscounted: int = 0) -> None:
        self._expectation, self._seconds = expectation, seconds
        self._lanes = threading.Semaphore(lanes)
        self._count, self._miscounted = 0, miscounted

    def prepare(self, images: np.ndarray):
        def call() -> np.ndarray:
            with self._lanes:
                time.sleep(self._seconds)
            self._count += len(images)
            return self._expectation._answers[: len(images)]

        return call

    def answers_counted(self) -> int:
        self._miscounted *= 2
        return self._count + self._miscounted


@pytest.fixture
def expectation(network: Path) -> Expectation:
    return Expectation(network, largest_batch=8)


@pytest.fixture
def probe() -> Probe:
    return Probe([0])


def test_the_closed_loop_finds_the_rate_of_a_serial_server(expectation: Expectation) -> None:
    found = ClosedLoop(Metronome(expectation, 0.01), expectation, batch=1, concurrency=3).run(0.5)
    # Sleeping may take longer than asked, never shorter.
    assert 60 < found.requests_per_s <= 101


def test_a_slow_server_is_waited_for_until_there_is_enough_to_count(expectation: Expectation) -> None:
    found = ClosedLoop(Metronome(expectation, 0.05), expectation, batch=1, concurrency=1).run(0.01)
    assert found.requests >= 8
    assert found.requests_per_s <= 20.1


def test_the_search_raises_concurrency_until_it_gains_nothing(expectation: Expectation, probe: Probe) -> None:
    meter = ThroughputMeter(Metronome(expectation, 0.004, lanes=2), expectation, Target(), probe)
    points, best = meter.search(Search([1], 8, search_slices=2, settle_slices=6), 1000.0)
    tried = [point.concurrency for point in points]
    assert tried[:2] == [1, 2]
    assert tried[-1] <= 8
    assert best.concurrency >= 2
    assert best.slices == 6
    assert best.low_images_per_s is not None
    assert best.server_answers == best.answers


def test_throughput_is_not_batch_over_latency(expectation: Expectation, probe: Probe) -> None:
    meter = ThroughputMeter(Metronome(expectation, 0.01, lanes=4), expectation, Target(), probe)
    _, best = meter.search(Search([8], 4, search_slices=1, settle_slices=6), 1000.0)
    batch_over_latency = 8 / 0.01
    assert best.images_per_s > 2 * batch_over_latency


def test_a_server_still_gaining_is_called_not_saturated(expectation: Expectation, probe: Probe) -> None:
    meter = ThroughputMeter(Metronome(expectation, 0.01, lanes=8), expectation, Target(), probe)
    points, best = meter.search(Search([1], 2, search_slices=1, settle_slices=6), 1000.0)
    assert [point.concurrency for point in points] == [1, 2]
    assert best.verdict == "not saturated"


def test_drift_is_divided_out_and_the_raw_figure_kept(expectation: Expectation, probe: Probe) -> None:
    meter = ThroughputMeter(Metronome(expectation, 0.005), expectation, Target(), probe)
    _, best = meter.search(Search([1], 1, search_slices=1, settle_slices=6), reference_per_s=1.0)
    assert best.noise.probe_per_s is not None
    assert best.corrected_images_per_s == pytest.approx(best.images_per_s / best.noise.probe_per_s, rel=0.5)


def test_wrong_answers_stop_the_measurement(expectation: Expectation) -> None:
    class Liar(Metronome):
        def prepare(self, images: np.ndarray):
            return lambda: np.zeros((len(images), 3), np.float32)

    with pytest.raises(ServerError, match="differ"):
        ClosedLoop(Liar(expectation, 0.0), expectation, batch=2, concurrency=2).run(0.1)


def test_empty_answers_stop_the_measurement(expectation: Expectation) -> None:
    class Empty(Metronome):
        def prepare(self, images: np.ndarray):
            return lambda: np.zeros((0,), np.float32)

    with pytest.raises(ServerError, match="shape"):
        ClosedLoop(Empty(expectation, 0.0), expectation, batch=2, concurrency=1).run(0.1)


def test_a_server_that_counts_otherwise_is_not_believed() -> None:
    check_counts(1000, 1010)
    check_counts(1000, None)
    with pytest.raises(ServerError, match="counts 1500"):
        check_counts(1000, 1500)


@pytest.mark.parametrize(
    ("low", "high", "share", "saturated", "verdict"),
    [
        (98, 102, 0.5, True, "settled"),
        (80, 120, 0.5, True, "unsettled"),
        (None, None, 0.5, True, "unsettled"),
        (98, 102, 0.99, True, "not saturated"),
        (98, 102, 0.5, False, "not saturated"),
    ],
)
def test_the_verdict_follows_from_the_evidence(low, high, share, saturated, verdict) -> None:
    assert judge(MedianInterval(100, low, high), share, saturated, "triton")[0] == verdict


def test_the_network_in_this_process_answers_as_itself(network: Path, expectation: Expectation) -> None:
    found = ClosedLoop(InProcess(network, 1), expectation, batch=4, concurrency=1).run(0.05)
    assert found.requests_per_s > 0
