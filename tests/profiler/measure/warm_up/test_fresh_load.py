"""One load: what was in memory before it, what the processes were like after it, and that it was a fresh one."""

from pathlib import Path

import psutil
import pytest
from narrowing import known
from starting_host import Starter, StartingHost, in_process, measured
from stub_host import model_on
from support import write_network

from profiler.common.errors import ServerError
from profiler.common.target import Resources
from profiler.measure.warm_up import fresh_load
from profiler.records.warm_up import FirstInference, LoadTime, WarmUpCurve
from profiler.system.page_cache import evict


def test_warm_is_in_the_page_cache_and_cold_is_not(network: Path) -> None:
    if evict(network) > 0:
        pytest.skip("nothing leaves the page cache of this file system")
    warm, cold = measured(in_process(network)).of(LoadTime)
    assert (warm.resident_share, cold.resident_share) == (1, 0)
    assert cold.n == 3
    assert known(cold.mean_ms) > 0


def test_a_cold_load_that_was_not_cold_is_null_and_says_why(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_load, "evict", lambda path: 0.7)
    cold = measured(in_process(network)).of(LoadTime)[1]
    assert (cold.n, cold.mean_ms, cold.p95_ms) == (0, None, None)
    assert cold.reasons["mean_ms"] == "70% of the file stayed in the page cache when it was to be evicted"


def test_a_file_system_that_does_not_tell_makes_nothing_cold(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> float:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fresh_load, "evict", refused)
    assert "does not tell" in measured(in_process(network)).of(LoadTime)[1].reasons["resident_share"]


def test_a_server_that_is_given_a_copy_has_no_cold_load(network: Path) -> None:
    cold = measured(model_on(StartingHost([0.001], address="127.0.0.1:1"), network)).of(LoadTime)[1]
    assert cold.n == 0
    assert "a copy" in cold.reasons["mean_ms"]


def test_each_first_inference_is_the_first_ever_of_a_model_loaded_for_it(network: Path) -> None:
    host = StartingHost([0.03, 0.002])
    points = measured(model_on(host, network)).of(FirstInference)
    assert [point.n for point in points] == [2, 1]
    assert host.loads == 3 + 3
    for point in points:
        assert point.first_min_ms >= 30 > point.warm_ms >= 2
        assert point.first_min_ms <= point.first_ms <= point.first_max_ms


def test_serving_processes_that_are_not_ours_have_no_state_before_the_first_inference(network: Path) -> None:
    point = measured(model_on(StartingHost([0.001]), network)).of(FirstInference)[0]
    assert point.before is None
    assert "not visible" in point.reasons["before"]


def test_the_state_before_the_first_inference_is_that_of_the_serving_process(network: Path) -> None:
    point = measured(in_process(network)).of(FirstInference)[0]
    assert known(point.before).processes == 1 + len(psutil.Process().children(recursive=True))
    assert known(point.before).rss_bytes > 0
    assert known(point.loading_involuntary_switches) >= 0


def test_a_network_too_slow_for_its_curve_is_called_a_few_times(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_load, "LONGEST_S", 0.0)
    ledger = measured(model_on(StartingHost([0.001]), network))
    assert {curve.n for curve in ledger.of(WarmUpCurve)} == {fresh_load.FEWEST}
    assert {first.warm_n for first in ledger.of(FirstInference) if first.n == 1} == {fresh_load.FEWEST - 1}


def test_a_wrong_answer_after_a_load_is_an_error(network: Path, tmp_path: Path) -> None:
    class Exchanged(StartingHost):
        def load(self, name: str, path: Path, resources: Resources) -> Starter:
            return super().load(name, write_network(tmp_path / "other.onnx", bias=9.0), resources)

    with pytest.raises(ServerError, match="differ"):
        measured(model_on(Exchanged([0.001]), network))


def test_nothing_stays_loaded(network: Path) -> None:
    host = StartingHost([0.001])
    measured(model_on(host, network))
    assert not host.loaded
