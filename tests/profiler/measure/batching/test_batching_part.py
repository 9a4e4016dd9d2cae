"""The part of a profile that chooses dynamic batching: on stubs, and on a real server."""

from pathlib import Path

import pytest
from made_points import capacity
from stub_host import StubHost, go_through, maximum, model_on

from profiler.common.profile_settings import DynamicBatchingSettings
from profiler.common.target import Target
from profiler.measure.batching import part as batching
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement
from profiler.records.base import Point
from profiler.records.capacity import Capacity
from profiler.records.dynamic_batching import DynamicBatching
from profiler.runtimes.own_process import OwnProcess
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target


def settings(deadline_ms: float | None = None, **changes: object) -> DynamicBatchingSettings:
    values: dict[str, object] = {
        "deadline_ms": deadline_ms, "quantile": 0.9, "seconds": 0.3, "search_seconds": 15, "candidates": 2,
        "queue_delays_us": [0, 2000], "preferred_batches": [[4], [8]],
    }  # fmt: skip
    return DynamicBatchingSettings.model_validate(values | changes)


def after(model: ModelUnderTest, wanted: DynamicBatchingSettings, *known: Point) -> Ledger:
    ledger = Ledger(known, [])
    go_through(batching.measurements(model, wanted, ledger), ledger, "dynamic_batching")
    return ledger


def ledger_point(ledger: Ledger, measurement: Measurement) -> Point:
    """The point of a measurement, made now."""
    ledger.add("test", points := measurement.measure())
    return points[0]


class TritonStub(StubHost):
    """A stub that calls itself a Triton."""

    runtime = "triton"


def reason(ledger: Ledger) -> str:
    (missing,) = (one for one in ledger.missing if one.point == "DynamicBatching")
    assert missing.verdict == "unavailable"
    return missing.reason


def test_another_runtime_than_triton_has_none_for_a_reason(network: Path) -> None:
    target = Target(runtime="onnxruntime")
    found = after(model_on(OwnProcess(target), network, target), settings())
    assert reason(found) == "dynamic batching is measured on Triton only, and this runtime is onnxruntime"
    assert found.points == []


def test_a_deadline_that_no_request_meets_has_no_batching(network: Path) -> None:
    found = after(model_on(TritonStub(0.004), network), settings(0.5), maximum(200.0, runtime="triton"))
    assert reason(found) == "the capacity without dynamic batching is unknown"


def test_the_middle_deadline_of_the_capacities_is_the_default(network: Path) -> None:
    model = model_on(TritonStub(0.004), network)
    changed = ({"deadline_ms": ms, "part": "capacity"} for ms in (10.0, 70.0, 90.0))
    known = [Capacity.model_validate(dict(capacity(1.0, 5)) | values) for values in changed]
    ledger, answer = Ledger([*known, maximum(200.0, runtime="triton")], []), None
    work = batching.measurements(model, settings(quantile=0.99), ledger)
    while (measurement := work.send(answer)).kind is not DynamicBatching:
        answer = ledger.find(measurement) or ledger_point(ledger, measurement)
    assert measurement.place.deadline_ms == 70.0


@pytest.mark.alone
@pytest.mark.integration
def test_a_real_server_is_searched_and_serves_without_batching_again(network: Path) -> None:
    with prepared_target("here", Target()) as here, ModelUnderTest(here, network) as model:
        found = after(model, settings(200.0))
        (point,) = found.of(DynamicBatching)
        assert model.serve(model.own) is not None
    assert point.deadline_ms == point.capacity.deadline_ms == point.without.deadline_ms == 200.0
    assert point.best in [one.batching for one in point.tried]
    assert any(one.trials for one in point.tried)
    assert point.search_s > 0
    assert (point.maximum is not None) == point.on
    assert point.verdict_reason
    assert {name.split("_")[0] for name in model.samples if "us" in name.split("_")} == {"batching"}
    assert DynamicBatching.model_validate_json(point.model_dump_json()) == point
