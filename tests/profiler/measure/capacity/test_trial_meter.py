"""One open loop on a served model: what is offered, what is checked, and what becomes of a server that fails."""

import os
import signal
import threading
from pathlib import Path

import pytest
from stub_host import REFERENCE_PER_S, SteadyReference, StubHost, model_on

from profiler.common.errors import ServerError
from profiler.common.target import Resources, Target
from profiler.measure.capacity.load_point import measure_load
from profiler.measure.capacity.trial_meter import Maximum, TrialMeter
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target

pytestmark = pytest.mark.alone
ALONE = Resources(1.0, 1, 1)
# Beside a reference of 1000/s.
MOST = Maximum(200.0, 0.2)


class SlowReference(SteadyReference):
    """A machine at half of its normal speed."""

    def rate_per_s(self, compared_s: float = 0.0) -> float:
        return REFERENCE_PER_S / 2


def test_a_machine_at_half_its_speed_is_offered_half(network: Path) -> None:
    model = model_on(StubHost(0.001), network, reference=SlowReference())
    trial = TrialMeter(model, ALONE, [1e3], MOST).run(0.1, 4.0, seed=0).trial
    assert (trial.offered_per_s, trial.relative_offered) == (50.0, 0.1)
    assert trial.requests == pytest.approx(200, rel=0.25)


def test_a_queue_explodes_above_the_rate_of_a_server_and_not_far_below(network: Path) -> None:
    model = model_on(StubHost(0.005), network)
    meter = TrialMeter(model, ALONE, [25.0], MOST)
    assert measure_load(meter, 0.2, 1.0, 0.9, seed=0).exploding is False
    assert measure_load(meter, 3.0, 0.5, 0.9, seed=0).exploding is True


def test_cpu_of_processes_that_are_not_ours_is_null_with_the_reason(network: Path) -> None:
    meter = TrialMeter(model_on(StubHost(0.001), network), ALONE, [1e3], MOST)
    found = measure_load(meter, 0.2, 0.5, 0.9, seed=0)
    assert (found.server_cores_used, found.cpu_share, found.core_s_per_inference) == (None, None, None)
    assert found.reasons["cpu_share"] == "the serving processes are not visible to the profiler"


def test_a_server_that_never_answers_ends_in_an_error(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.measure.capacity.trial_meter.DRAIN_S", 0.2)
    monkeypatch.setattr(TrialMeter, "_warm_up", lambda *_: None)
    meter = TrialMeter(model_on(StubHost(3.0), network), ALONE, [10.0], MOST)
    with pytest.raises(ServerError, match=r"none of .* requests was answered"):
        meter.run(0.1, 0.2, seed=0)


def test_a_server_that_somebody_else_is_calling_ends_in_an_error(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_on(StubHost(0.001), network)
    served = model.serve(ALONE)
    monkeypatch.setattr(served, "answers_counted", iter((0, 300)).__next__)
    with pytest.raises(ServerError, match="the server counts 300 answers where the client had"):
        TrialMeter(model, ALONE, [1e3], MOST).run(0.1, 0.2, seed=0)


def test_a_model_that_does_not_warm_up_ends_in_an_error(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.measure.capacity.trial_meter.WARM_LIMIT_S", 0.2)
    meter = TrialMeter(model_on(StubHost(3.0), network), ALONE, [10.0], MOST)
    with pytest.raises(ServerError, match="only 0 of 4 requests"):
        meter.run(0.1, 0.2, seed=0)


def test_a_model_with_lost_requests_is_loaded_afresh(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.measure.capacity.trial_meter.DRAIN_S", 0.1)
    host = StubHost(0.05)
    model = model_on(host, network)
    measured = TrialMeter(model, ALONE, [10.0], MOST).run(0.1, 0.5, seed=0)
    assert 0 < measured.trial.lost < measured.trial.requests
    assert host.loaded == {}
    model.serve(ALONE)
    assert list(host.loaded.values()) == [ALONE]


@pytest.mark.integration
def test_a_real_server_that_dies_under_load_ends_in_an_error(network: Path) -> None:
    with (
        prepared_target("here", Target()) as here,
        ModelUnderTest(here, network) as model,
    ):
        model.serve(ALONE)
        threading.Timer(1.0, os.kill, (here.host.process, signal.SIGKILL)).start()
        with pytest.raises(ServerError):
            TrialMeter(model, ALONE, [1e3], MOST).run(0.05, 30.0, seed=0)
