from pathlib import Path

import pytest

from profiler.errors import ModelError
from profiler.measure.latency import measure_latency
from profiler.runtimes.session import input_tensor, open_session
from profiler.target import Target


def test_every_batch_has_a_first_inference_and_warm_latencies(network: Path) -> None:
    found = list(measure_latency(network, Target(), [0], [1, 4], seconds_per_batch=0.02))
    assert [point.batch for _, point, _ in found] == [1, 4]
    for first, point, samples in found:
        assert first.batch == point.batch
        assert first.first_ms > 0
        assert point.n == len(samples) >= 10
        assert point.mean_ms == pytest.approx(sum(samples) / len(samples))


def test_percentiles_that_the_samples_cannot_bear_are_null_with_the_reason(network: Path) -> None:
    ((_, point, _),) = measure_latency(network, Target(), [0], [1], seconds_per_batch=0.0)
    assert point.n == 10
    assert point.p50_ms is not None
    assert point.p99_ms is None
    assert point.reasons["p99_ms"] == "p99 needs 459 samples, 10 were taken"


def test_a_fixed_batch_axis_is_refused(tmp_path: Path) -> None:
    from support import write_network

    path = write_network(tmp_path / "fixed.onnx", batch=4)
    with pytest.raises(ModelError, match="first axis must be symbolic"):
        input_tensor(open_session(path, 1))
