"""The way from a file to a steady model: in this process, and on hosts whose truth is known."""

from pathlib import Path

import pytest
from blank import noise
from starting_host import SETTINGS, StartingHost, in_process, measured
from stub_host import go_through, model_on

from profiler.common.archives import packed, unpacked
from profiler.common.profile_settings import WarmUpSettings
from profiler.common.target import Target
from profiler.measure.ledger import Ledger
from profiler.measure.warm_up.fresh_load import FreshLoad
from profiler.measure.warm_up.part import measurements
from profiler.measure.warm_up.points import durations, warm_up_curve
from profiler.records.base import MissingValues, Point
from profiler.records.warm_up import FirstInference, LoadTime, Switch, UnloadTime, WarmUpCurve

pytestmark = pytest.mark.alone

WITH_A_SWITCH = SETTINGS.model_copy(update={"switch_seconds": 1.0})


def kinds(ledger: Ledger) -> list[type[Point]]:
    return sorted({type(point) for point in ledger.points}, key=lambda kind: kind.__name__)


def test_every_batch_has_a_first_inference_and_the_smallest_and_the_largest_a_curve(network: Path) -> None:
    settings = WarmUpSettings(loads=1, batches=[1, 2, 4], curve_inferences=20, switch_seconds=None)
    ledger = measured(in_process(network), settings)
    assert [point.batch for point in ledger.of(FirstInference)] == [1, 2, 4]
    assert [point.batch for point in ledger.of(WarmUpCurve)] == [1, 4]
    assert kinds(ledger) == [FirstInference, LoadTime, UnloadTime, WarmUpCurve]


def test_the_loads_of_first_inferences_count_for_the_load_time(network: Path) -> None:
    model = in_process(network)
    ledger = measured(model)
    warm, cold = ledger.of(LoadTime)
    assert [point.n for point in ledger.of(FirstInference)] == [2, 1]
    assert (warm.page_cache, warm.n, cold.page_cache) == ("warm", 3, "cold")
    assert ledger.of(UnloadTime)[0].n == 3
    assert len(model.samples["load_warm_ms"]) == len(model.samples["unload_ms"]) == 3


def test_a_load_time_that_alone_is_missing_is_measured_with_loads_of_its_own(network: Path) -> None:
    model, ledger = in_process(network), Ledger([], [])
    go_through(measurements(model, SETTINGS, ledger), ledger, "warm_up")
    ledger.points = [point for point in ledger.points if type(point) is not LoadTime]
    (warm, cold) = go_through(measurements(model, SETTINGS, ledger), ledger, "warm_up")
    assert (warm.kind, cold.kind) == (LoadTime, LoadTime)
    assert ledger.of(LoadTime)[0].n == 3


def test_the_monitor_records_the_state_before_each_first_inference(network: Path) -> None:
    model = in_process(network)
    model.monitor = True
    measured(model)
    names = list(model.samples["monitor_features"])
    for batch, loads in ((1, 2), (4, 1)):
        values = model.samples[f"monitor_batch_{batch}"]
        assert values.shape == (loads, len(names))
        assert len(model.samples[f"first_inference_batch_{batch}_ms"]) == loads
    resident = model.samples["monitor_batch_1"][:, names.index("process/memory/resident_set_size_proc_MB")]
    assert (resident > 1).all()
    assert unpacked(packed(model.samples), 1 << 20).keys() == model.samples.keys()


def test_without_the_monitor_the_samples_have_no_features(network: Path) -> None:
    model = in_process(network)
    measured(model)
    assert not [name for name in model.samples if name.startswith("monitor")]


def test_a_second_run_measures_nothing_again(network: Path) -> None:
    model, ledger = in_process(network), measured(in_process(network))
    assert go_through(measurements(model, SETTINGS, ledger), ledger, "warm_up") == []


def curve_of(path: Path, latencies_ms: list[float]) -> WarmUpCurve:
    load = FreshLoad(1, 1.0, True, 100.0, None, None, latencies_ms, 10.0)
    return warm_up_curve(in_process(path), load, noise())


def test_a_curve_ends_its_warm_up_where_it_reaches_its_level(network: Path) -> None:
    curve = curve_of(network, [40.0, 30.0, 30.0, 20.0, *[5.0, 5.1] * 18])
    assert (curve.n, curve.every, curve.inferences_until_steady) == (40, 1, 4)
    assert curve.seconds_until_steady == pytest.approx(0.12)
    assert curve.steady_ms == pytest.approx(5.05)


def test_a_curve_that_does_not_settle_is_kept_without_an_end(network: Path) -> None:
    curve = curve_of(network, [float(step) for step in range(1, 41)])
    assert curve.n == len(curve.latency_ms) == 40
    assert (curve.inferences_until_steady, curve.seconds_until_steady, curve.steady_ms) == (None, None, None)
    assert curve.reasons["steady_ms"] == "it did not settle in 40 inferences"


def test_a_long_curve_is_thinned_out_in_the_record_and_whole_in_the_samples(network: Path) -> None:
    model = in_process(network)
    settings = WarmUpSettings(loads=1, batches=[1], curve_inferences=450, switch_seconds=None)
    (curve,) = measured(model, settings).of(WarmUpCurve)
    samples = model.samples["warm_up_batch_1_ms"]
    assert (curve.n, curve.every, len(samples)) == (450, 3, 450)
    assert list(curve.latency_ms) == list(samples[::3])


def test_there_is_nothing_to_switch_in_the_profilers_own_process(network: Path) -> None:
    ledger = measured(in_process(network), WITH_A_SWITCH)
    (missing,) = ledger.missing
    assert (missing.part, missing.point) == ("warm_up", "Switch")
    assert "runtime=triton" in missing.reason
    assert ledger.of(Switch) == []


def test_a_server_that_loads_nothing_says_so_at_every_point(network: Path) -> None:
    target = Target(runtime="v2", endpoint="127.0.0.1:1", model="network")
    host = StartingHost([0.001], address="127.0.0.1:1", controls_loading=False)
    ledger = measured(model_on(host, network, target), WITH_A_SWITCH)
    assert (ledger.points, host.loads) == ([], 0)
    missing = {one.point for one in ledger.missing}
    assert missing == {"FirstInference", "WarmUpCurve", "LoadTime", "UnloadTime", "Switch"}
    assert all("cannot be told to load" in one.reason for one in ledger.missing)


@pytest.mark.parametrize(("n", "known"), [(1, set()), (6, {"p50_low_ms"}), (7, {"p50_low_ms", "p50_ms"})])
def test_figures_over_loads_need_enough_of_them(n: int, known: set[str]) -> None:
    missing = MissingValues()
    figures = durations([float(value) for value in range(1, n + 1)], "", missing)
    for name in ("p50_low_ms", "p50_ms", "p95_ms"):
        assert (figures[name] is not None) == (name in known) == (name not in missing.reasons)


def test_ninety_loads_bound_a_p95() -> None:
    missing = MissingValues()
    durations([1.0] * 89, "", missing)
    assert missing.reasons == {"p95_ms": "p95 needs 90 samples, 89 were taken"}
    assert durations([1.0] * 90, "", MissingValues())["p95_ms"] == 1
