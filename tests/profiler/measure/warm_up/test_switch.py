"""Replacing a model under traffic: what is counted, and that a real server loses nothing."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from blank import noise
from narrowing import known
from stub_host import maximum, model_on
from support import write_network
from switching_host import ANSWER_S, SwitchingHost

from profiler.common.errors import ServerError
from profiler.common.target import Resources, Target
from profiler.load_generator.open_loop import OpenRun
from profiler.measure.ledger import Ledger
from profiler.measure.warm_up import switching
from profiler.measure.warm_up.switch_point import Switches, switch_point
from profiler.measure.warm_up.switching import measure
from profiler.records.place import Place
from profiler.records.warm_up import Switch
from profiler.system.processes import cpu_seconds
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target

pytestmark = pytest.mark.alone
SECONDS = 0.6


def switched(model: ModelUnderTest, seconds: float = SECONDS, ledger: Ledger | None = None) -> Switch:
    (point,) = measure(model, seconds, ledger or Ledger([], []))
    assert isinstance(point, Switch)
    return point


def test_every_request_of_an_uninterrupted_switch_is_answered(network: Path) -> None:
    host = SwitchingHost(network)
    point = switched(model_on(host, network))
    assert point.sent == point.answered == point.before_n + point.during_n + point.after_n
    assert (point.lost, point.wrong) == (0, 0)
    assert known(point.slowest_ms) >= known(point.during_p50_ms) >= 2
    assert point.switches == host.loads - 1 > 1
    assert known(point.load_max_ms) >= known(point.load_ms) >= 50


def test_a_request_counts_to_the_phase_in_which_it_was_scheduled() -> None:
    scheduled_s = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    took_s = np.array([0.2, 0.2, np.nan, 0.1, 0.1])
    run = OpenRun(scheduled_s, scheduled_s, scheduled_s + took_s, wall_s=0.7, sender_cpu_s=0.1)
    switches = Switches([100.0, 50.0], first_s=0.2, last_s=0.4, cores_before=0.5, cores_during=0.9)
    place = Place("triton", Resources(1, 1, 1))
    point = switch_point(place, 10.0, 0.5, run, switches, wrong=0, noise=noise())
    assert (point.before_n, point.during_n, point.after_n) == (1, 1, 2)
    assert (point.sent, point.answered, point.lost) == (5, 4, 1)
    assert (point.load_ms, point.load_max_ms, point.switches) == (75, 100, 2)
    assert point.slowest_ms == pytest.approx(200)


def test_half_of_the_maximum_at_batch_one_is_offered(network: Path) -> None:
    ledger = Ledger([maximum(900.0, runtime="switching", batch=4), maximum(160.0, runtime="switching")], [])
    point = switched(model_on(SwitchingHost(network), network), ledger=ledger)
    assert (point.offered_per_s, point.offered_share, point.sent) == (80, 0.5, 48)


def test_without_a_maximum_half_of_what_one_caller_gets_is_offered(network: Path) -> None:
    point = switched(model_on(SwitchingHost(network), network))
    assert 0 < point.offered_per_s <= 1 / ANSWER_S / 2
    assert "no maximal throughput" in point.reasons["offered_share"]


def test_requests_that_fail_during_the_switch_are_counted(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(right: np.ndarray) -> np.ndarray:
        raise ServerError("the model is not there")

    monkeypatch.setattr(switching, "DRAIN_S", 0.1)
    point = switched(model_on(SwitchingHost(network, fail), network))
    assert point.lost > 0
    assert point.sent == point.answered + point.lost
    assert point.wrong == 0


def test_wrong_answers_during_the_switch_are_counted(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "DRAIN_S", 1.0)
    point = switched(model_on(SwitchingHost(network, lambda right: right + 9), network))
    assert point.wrong > 0
    assert point.sent == point.answered + point.wrong
    assert point.lost == 0


def test_a_load_that_is_refused_is_an_error(network: Path) -> None:
    class Refusing(SwitchingHost):
        def load(self, name: str, path: Path, resources: Resources) -> SwitchingHost:
            if self.loads:
                raise ServerError("the server does not load it")
            return super().load(name, path, resources)

    with pytest.raises(ServerError, match="does not load"):
        switched(model_on(Refusing(network), network))


def test_few_requests_bound_no_p99_and_say_so(network: Path) -> None:
    point = switched(model_on(SwitchingHost(network), network), seconds=0.4)
    assert point.before_p99_ms is point.during_p99_ms is None
    assert "p99 needs 459 samples" in point.reasons["during_p99_ms"]


def test_serving_processes_that_are_not_ours_use_an_unknown_number_of_cores(network: Path) -> None:
    point = switched(model_on(SwitchingHost(network), network))
    assert (point.server_cores_before, point.server_cores_during) == (None, None)
    assert "not visible" in point.reasons["server_cores_during"]


def test_the_raw_moments_are_kept(network: Path) -> None:
    model = model_on(SwitchingHost(network), network)
    point = switched(model)
    moments = model.samples["switch_scheduled_sent_answered_s"]
    assert moments.shape == (point.sent, 3)
    assert (np.diff(moments, axis=1) >= 0).all()
    assert len(model.samples["switch_load_ms"]) == point.switches


def test_the_time_of_a_process_that_has_ended_stays_counted() -> None:
    busy = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); input()"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE) as process:
        end = time.monotonic() + 20
        while cpu_seconds(process.pid) < 0.3 and time.monotonic() < end:
            time.sleep(0.02)
        while psutil.Process(process.pid).children() and time.monotonic() < end:
            time.sleep(0.02)
        assert cpu_seconds(process.pid) >= 0.3
        process.communicate(b"\n")


@pytest.mark.integration
def test_a_real_server_switches_without_losing_a_request(tmp_path: Path) -> None:
    # Large enough that a switch falls on many requests.
    path = write_network(tmp_path / "model.onnx", work=8)
    with (
        prepared_target("here", Target()) as running,
        ModelUnderTest(running, path) as model,
    ):
        point = switched(model, seconds=3.0)
        assert psutil.Process(model.prepared.host.process).children() == []
    assert (point.lost, point.wrong) == (0, 0)
    assert point.sent == point.answered
    assert point.during_n > 10
    assert point.switches >= 1
    assert known(point.server_cores_during) > known(point.server_cores_before)
