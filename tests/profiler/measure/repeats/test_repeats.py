"""Twenty times the same: what spreads, and how much of it is the machine's drift."""

import numpy as np
import pytest
from stub_host import REFERENCE_PER_S, StubHost, go_through, maximum, model_on
from support import write_network

from profiler.common.profile_settings import RepeatSettings
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS, LoadSlice
from profiler.measure.ledger import Ledger
from profiler.measure.repeats import part as repeats
from profiler.measure.repeats.side_by_side import Repeat, Turn
from profiler.records.throughput import Repeats
from profiler.target.model_under_test import ModelUnderTest

pytestmark = pytest.mark.alone

SETTINGS = RepeatSettings(repeats=3, seconds=0.5)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelUnderTest:
    """A model that answers 400 images a second, in batches of four."""
    return model_on(StubHost(0.01), write_network(tmp_path_factory.mktemp("repeats") / "model.onnx"))


@pytest.fixture(scope="module")
def point(model: ModelUnderTest) -> Repeats:
    """Three repeats of half a second."""
    ledger = Ledger([maximum(400, batch=4)], [])
    go_through(repeats.measurements(model, SETTINGS, ledger), ledger, "repeats")
    (point,) = ledger.of(Repeats)
    return point


def turn(speed: float) -> Turn:
    """What a machine at `speed` times its normal speed shows of a model with 100 answers a second and 10 ms."""
    load = LoadSlice(20, 0.2 / speed, 20, 0.2 / speed, [], 0.1)
    return Turn(load, REFERENCE_PER_S * speed, [10 / speed] * 7, REFERENCE_PER_S * speed)


def test_every_repeat_has_its_throughput_its_latency_and_its_probe(point: Repeats) -> None:
    series = [point.images_per_s, point.latency_p50_ms, point.latency_mean_ms, point.reference_per_s]
    assert [len(one) for one in series] == [3, 3, 3, 3]
    assert all(200 < value <= 400 for value in point.images_per_s)
    assert (point.batch, point.latency_runtime) == (4, "onnxruntime")


def test_the_spread_is_the_standard_deviation_over_the_mean(point: Repeats) -> None:
    assert point.images_per_s_cv == pytest.approx(np.std(point.images_per_s, ddof=1) / np.mean(point.images_per_s))
    assert point.latency_p50_cv == pytest.approx(np.std(point.latency_p50_ms, ddof=1) / np.mean(point.latency_p50_ms))


def test_ratios_to_the_reference_do_not_drift_with_the_machine() -> None:
    slow, fast = (Repeat([turn(speed)]) for speed in (0.5, 2.0))
    assert (slow.answers_per_s(), fast.answers_per_s()) == pytest.approx((50, 200))
    assert np.median(slow.latencies_ms()) == pytest.approx(4 * np.median(fast.latencies_ms()))
    for repeat in (slow, fast):
        assert repeat.relative_answers() == pytest.approx(100 / REFERENCE_PER_S)
        assert np.median(repeat.relative_latencies()) == pytest.approx(0.01 * REFERENCE_PER_S)


def test_ratios_to_the_reference_do_not_drift_within_a_repeat() -> None:
    repeat = Repeat([turn(0.5), turn(2.0)])
    assert repeat.relative_answers() == pytest.approx(100 / REFERENCE_PER_S)


def test_raw_values_of_every_slice_and_inference_are_kept(point: Repeats, model: ModelUnderTest) -> None:
    load = model.samples["repeats_load"]
    for index, images_per_s in enumerate(point.images_per_s):
        counted, seconds = load[load[:, 0] == index, 1:3].sum(axis=0)
        assert images_per_s == pytest.approx(counted / seconds)
    latency = model.samples["repeats_latency"]
    assert np.median(latency[latency[:, 0] == 0, 1]) == pytest.approx(point.latency_p50_ms[0])


def test_the_task_says_how_long_all_repeats_take(model: ModelUnderTest) -> None:
    ledger = Ledger([maximum(400, batch=4)], [])
    (measurement,) = repeats.measurements(model, RepeatSettings(repeats=20, seconds=2.0), ledger)
    assert 40 <= measurement.seconds < 50


def test_the_task_of_a_slow_model_is_as_long_as_its_answers_take(model: ModelUnderTest) -> None:
    ledger = Ledger([maximum(1, batch=4)], [])
    (measurement,) = repeats.measurements(model, RepeatSettings(repeats=20, seconds=2.0), ledger)
    assert measurement.seconds > 20 * MINIMUM_ANSWERS * 4


def test_a_record_lacks_no_repeat(point: Repeats) -> None:
    with pytest.raises(ValueError, match="3 repeats"):
        Repeats.model_validate(point.model_dump() | {"images_per_s": point.images_per_s[:2]})
