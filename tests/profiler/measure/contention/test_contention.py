"""Throughput beside a reference load, on a host where it is known what two models leave each other."""

import time
from pathlib import Path

import numpy as np
import pytest
from narrowing import known, of
from stub_host import Core, StubHost, StubModel, go_through, maximum, model_on
from support import write_network

from profiler.analysis.statistics import RatioInterval
from profiler.common.errors import ServerError
from profiler.common.profile_settings import ContentionSettings, ThroughputSettings
from profiler.common.target import Target
from profiler.load_generator.reference import write_reference
from profiler.load_generator.single_requests import PacedLoop
from profiler.measure.contention import part as contention
from profiler.measure.contention.point import judge_factor
from profiler.measure.ledger import Ledger
from profiler.measure.throughput import part as throughput
from profiler.records.throughput import Contention
from profiler.runtimes.served import Call
from profiler.target.co_runner import CoRunner
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target

pytestmark = pytest.mark.alone
SETTINGS = ContentionSettings(shares=[0.25, 0.5], slices=6)
SEARCH = ThroughputSettings(batches=[1], max_concurrency=2, search_seconds=0.02, settle_seconds=0.02)
RAW = ("counted", "seconds")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelUnderTest:
    """A model of 5 ms, on a core that it shares with a reference network of 3 ms."""
    path = write_network(tmp_path_factory.mktemp("contention") / "model.onnx")
    return model_on(StubHost(0.005, other_seconds=0.003), path)


@pytest.fixture(scope="module")
def ledger(model: ModelUnderTest) -> Ledger:
    """Both shares, in a single measurement."""
    ledger = Ledger([maximum(200)], [])
    assert len(go_through(contention.measurements(model, SETTINGS, ledger), ledger, "contention")) == 1
    return ledger


def test_two_models_that_share_a_core_fairly_leave_each_other_the_rest(ledger: Ledger) -> None:
    quarter, half = ledger.of(Contention)
    assert (quarter.share, half.share) == (0.25, 0.5)
    assert quarter.factor == pytest.approx(0.75, abs=0.08)
    assert half.factor == pytest.approx(0.5, abs=0.1)
    assert known(quarter.factor_low) <= quarter.factor <= known(quarter.factor_high)
    assert quarter.images_per_s < quarter.alone_images_per_s <= 200


def test_the_reference_network_gets_the_share_that_it_is_said_to_get(ledger: Ledger) -> None:
    points = ledger.of(Contention)
    assert points
    for point in points:
        assert point.other_max_per_s <= 334
        assert point.other_offered_per_s == pytest.approx(point.share * point.other_max_per_s, rel=0.01)
        kept_up = point.other_answered_per_s == pytest.approx(point.other_offered_per_s, rel=0.15)
        # A machine too busy to send in time says so.
        assert kept_up or "of what it was offered" in point.verdict_reason


def test_raw_values_of_every_slice_are_kept(ledger: Ledger, model: ModelUnderTest) -> None:
    quarter, half = ledger.of(Contention)
    for point in (quarter, half):
        counted, seconds = (model.samples[f"contention_batch_1_share_{point.share:g}_{name}"] for name in RAW)
        assert len(counted) == point.slices == 6
        assert counted.sum() / seconds.sum() == pytest.approx(point.images_per_s)


def test_a_second_run_measures_nothing(ledger: Ledger, model: ModelUnderTest) -> None:
    assert go_through(contention.measurements(model, SETTINGS, ledger), ledger, "contention") == []


def test_the_record_names_the_model_beside(ledger: Ledger, model: ModelUnderTest, tmp_path: Path) -> None:
    assert {point.beside for point in ledger.of(Contention)} == {"the reference network"}
    other = write_network(tmp_path / "model.onnx", bias=3.0)
    served = ModelUnderTest(model.prepared, model.path, co_runner=CoRunner("digits-other", other))
    with contention.other_model(served) as beside:
        assert beside.path == other
    found = Ledger([maximum(200)], [])
    go_through(contention.measurements(served, SETTINGS, found), found, "contention")
    assert {point.beside for point in found.of(Contention)} == {"digits-other"}


def test_only_the_measured_model_stays_loaded(ledger: Ledger, model: ModelUnderTest) -> None:
    assert list(of(model.prepared.host, StubHost).loaded) == [model.name]


def test_a_reference_network_that_does_not_keep_up_unsettles_the_point(network: Path) -> None:
    kept_up, behind = (
        judge_factor(RatioInterval(0.7, 0.69, 0.71), 0.2, False, True, share, "another") for share in (0.99, 0.8)
    )
    assert kept_up[0] == "settled"
    assert behind == ("unsettled", "another answered 80% of what it was offered")


def test_nothing_is_asked_for_where_no_maximum_is_known(network: Path) -> None:
    assert list(contention.measurements(model_on(StubHost(0.004), network), SETTINGS, Ledger([], []))) == []


def test_a_server_that_takes_no_other_model_says_so(network: Path) -> None:
    model = model_on(StubHost(0.004), network, Target(runtime="v2", endpoint="127.0.0.1:1", model="deployed"))
    measurement = next(contention.measurements(model, SETTINGS, Ledger([maximum(200)], [])))
    with pytest.raises(ServerError, match="no other can be put beside"):
        measurement.measure()


def test_a_paced_loop_calls_at_its_rate_and_is_over_with_its_block(tmp_path: Path) -> None:
    path = tmp_path / "reference" / "model.onnx"
    write_reference(path)
    model = model_on(StubHost(0.001, other_seconds=0.001), path)
    loop = PacedLoop(model.serve(), model.expectation)
    with loop.running(100.0) as answered:
        time.sleep(0.5)
    count = len(answered)
    assert count == pytest.approx(50, abs=8)
    time.sleep(0.05)
    assert len(answered) == count


def test_a_paced_loop_raises_what_its_callers_met(network: Path) -> None:
    class Liar(StubModel):
        def prepare(self, images: np.ndarray) -> Call:
            return lambda: np.zeros((len(images), 3), np.float32)

    model = model_on(StubHost(0.001), network)
    loop = PacedLoop(Liar(network, Core(), 0.0), model.expectation)
    with pytest.raises(ServerError, match="differ"), loop.running(1000.0):
        time.sleep(0.1)


@pytest.mark.quiet
@pytest.mark.integration
def test_a_model_on_a_real_server_keeps_less_than_all(network: Path) -> None:
    with (
        prepared_target("here", Target()) as here,
        ModelUnderTest(here, network) as model,
    ):
        ledger = Ledger([], [])
        go_through(throughput.measurements(model, SEARCH, ledger), ledger, "throughput")
        go_through(contention.measurements(model, SETTINGS, ledger), ledger, "contention")
    quarter, half = ledger.of(Contention)
    assert half.factor < quarter.factor < 1.05
    assert quarter.other_answered_per_s > 0
    assert 0 < known(half.cores_used) <= 2.2
    assert half.noise.reference_per_s is not None
