"""The fits of a profile: which points belong together, and the warm-up that is compared with them."""

import pytest
from blank import blank_profile, noise
from made_points import size

from profiler.analysis.fits import (
    fit_latency_over_batch,
    fit_latency_over_cores,
    fit_latency_over_sizes,
    fit_memory_over_sizes,
    fit_throughput_over_cores,
    fitted,
)
from profiler.records.fit import Fit, Refusal
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import Blocks, Energy, MaximalThroughput
from profiler.records.warm_up import FirstInference

BATCHES, CORES = (1, 2, 4, 8, 16, 32), (0.5, 1, 2, 4)
SHAPE = (3, 32, 32)
ALONE = {"runtime": "onnxruntime", "cores": 1, "threads": 1, "instances": 1}
LATENCIES = [
    "sd_ms", "p50_ms", "p50_low_ms", "p50_high_ms", "relative_p50", "low_relative_p50", "high_relative_p50",
    *(f"p{percent}_{end}ms" for percent in (90, 95, 99) for end in ("", "low_", "high_", "bound_")),
]  # fmt: skip
THROUGHPUTS = [
    "low_images_per_s", "high_images_per_s", "low_relative_throughput", "high_relative_throughput",
    "server_answers", "server_cores_used", "core_s_per_inference",
]  # fmt: skip


def partly(names: list[str], values: dict[str, object]) -> dict[str, object]:
    """The values, with every other one of the names unknown for a reason."""
    filled = dict.fromkeys(names) | values
    return filled | {"reasons": {name: "not taken" for name, value in filled.items() if value is None}}


def latency(batch: int, threads: int = 1, **changes: object) -> LatencyPoint:
    """A warm point at 2 · batch / threads + 1 ms."""
    p50_ms = 2 * batch / threads + 1
    figures = {
        "n": 10,
        "mean_ms": p50_ms * 1.5,
        "p50_ms": p50_ms,
        "noise": noise(),
        "visit_p50_ms": [p50_ms],
        "visit_relative_p50": [p50_ms],
    }
    at = ALONE | {"batch": batch, "threads": threads, "concurrency": 1, "input_shape": SHAPE}
    return LatencyPoint.model_validate(partly(LATENCIES, figures | at | changes))


def first_inference(batch: int) -> FirstInference:
    figures = {"n": 1, "warm_n": 1, "first_ms": 50, "first_min_ms": 50, "first_max_ms": 50, "warm_ms": 3}
    unknown = ["before", "loading_involuntary_switches"]
    return FirstInference.model_validate(partly(unknown, ALONE | figures | {"batch": batch, "noise": noise()}))


def throughput(cores: float, images_per_s: float, **changes: object) -> MaximalThroughput:
    energy = Energy.model_validate(partly(["joules", "joules_per_inference"], {"source": "rapl", "n": 1, "seconds": 1}))
    values = ALONE | {
        "cores": cores, "batch": 4, "concurrency": 2, "slices": 6, "images_per_s": images_per_s, "energy": energy,
        "relative_throughput": images_per_s, "answers": 9, "client_cpu_share": 0.1, "verdict": "settled",
        "verdict_reason": "", "noise": noise(), "saturated": True,
        "blocks": Blocks(counted=(images_per_s,), seconds=(1.0,), references=(1.0,)),
    }  # fmt: skip
    return MaximalThroughput.model_validate(partly(THROUGHPUTS, values | changes))


def test_points_that_differ_in_more_than_the_batch_are_fitted_apart() -> None:
    points = [latency(b, threads=t) for b in BATCHES for t in (1, 2)]
    points += [latency(b, concurrency=4, p50_ms=99.0) for b in BATCHES] + [latency(64, p50_ms=1.0, kind="predicted")]
    found = list(fit_latency_over_batch(points))
    lines = [one for one in found if isinstance(one, Fit) and one.form == "linear in batch"]
    assert [one.conditions["threads"] for one in lines] == [1, 2]
    assert [one.coefficients["slope"].value for one in lines] == pytest.approx([2, 1])
    assert {one.form for one in found} == {"linear in batch", "degree 2 in batch"}
    assert lines[0].conditions == ALONE | {"concurrency": 1, "input_shape": list(SHAPE)}


def test_the_best_figure_that_all_points_have_is_fitted() -> None:
    points = [latency(batch) for batch in BATCHES]
    assert next(iter(fit_latency_over_batch(points))).quantity == "p50_ms"
    points[2] = latency(4, p50_ms=None)
    assert next(iter(fit_latency_over_batch(points))).quantity == "mean_ms"


def test_first_inferences_stand_beside_the_fit_with_their_resources() -> None:
    points = [latency(b, threads=t) for b in BATCHES for t in (1, 2)]
    found = [one for one in fit_latency_over_batch(points, [first_inference(4)]) if isinstance(one, Fit)]
    beside = {one.conditions["threads"]: one.warm_up for one in found if one.form == "linear in batch"}
    assert beside[2] == ()
    (excess,) = beside[1]
    assert excess.at == {"batch": 4}
    assert excess.excess == pytest.approx(41)


def test_cores_are_fitted_with_a_thread_on_each() -> None:
    points = [latency(b, cores=c, threads=max(1, int(c))) for b in BATCHES for c in CORES]
    points += [latency(b, cores=4, threads=1) for b in BATCHES]
    points = [point.model_copy(update={"p50_ms": 3 * point.batch / point.cores + 1}) for point in points]
    (found,) = fit_latency_over_cores(points)
    assert isinstance(found, Fit)
    assert found.conditions["threads"] == "one a core"
    assert [one.value for one in found.coefficients.values()] == pytest.approx([3, 0, 0, 1], abs=1e-9)


def test_cores_with_the_same_threads_on_all_are_fitted_too() -> None:
    (found,) = fit_latency_over_cores([latency(b, cores=c, threads=1) for b in BATCHES for c in CORES])
    assert found.conditions["threads"] == 1


def test_throughput_over_cores_goes_through_the_best_of_each_core_count() -> None:
    points = [throughput(c, 100 * c + 5) for c in CORES] + [throughput(4, 300, instances=2)]
    points += [throughput(8, 10, verdict="not saturated"), throughput(1, 900, kind="predicted")]
    (found,) = fit_throughput_over_cores(points)
    assert isinstance(found, Fit)
    assert (found.unit, found.conditions["batch"]) == ("images/s", 4)
    assert [one.value for one in found.coefficients.values()] == pytest.approx([100, 5])
    assert found.at(cores=3) == pytest.approx(305)


def test_two_core_counts_fit_any_line_and_so_none() -> None:
    (found,) = fit_throughput_over_cores([throughput(1, 100), throughput(2, 190)])
    assert isinstance(found, Refusal)
    assert found.reason.startswith("2 distinct value(s) of cores")


def test_a_profile_has_its_fits_and_its_refusals() -> None:
    points = tuple(latency(batch) for batch in BATCHES)
    profile = blank_profile().model_copy(update={"latency": points, "first_inference": (first_inference(1),)})
    found = fitted(profile)
    assert [one.form for one in found.fits] == ["linear in batch", "degree 2 in batch"]
    assert [one.form for one in found.refused_fits] == ["batch and cores"]
    assert len(found.fits[0].warm_up) == 1


def test_with_several_input_sizes_a_first_inference_stands_beside_none() -> None:
    points = tuple(latency(batch, input_shape=(3, size, size)) for batch in BATCHES for size in (32, 64))
    profile = blank_profile().model_copy(update={"latency": points, "first_inference": (first_inference(1),)})
    found = fitted(profile)
    assert [one.conditions["input_shape"] for one in found.fits[::2]] == [[3, 32, 32], [3, 64, 64]]
    assert not any(one.warm_up for one in found.fits)


def of_size(side: int, batch: int) -> LatencyPoint:
    """A warm point at 0.001 · batch · pixels + 1 ms."""
    p50_ms = 0.001 * batch * side * side + 1
    return latency(batch, input_shape=(3, side, side), p50_ms=p50_ms)


def test_latencies_of_several_sizes_have_a_fit_over_batch_and_pixels() -> None:
    points = [of_size(side, batch) for side in (32, 64, 96) for batch in BATCHES]
    (fit,) = fit_latency_over_sizes(points)
    assert isinstance(fit, Fit)
    assert (fit.form, fit.quantity, fit.unit) == ("linear in batch and pixels", "p50_ms", "ms")
    assert fit.coefficients["slope"].value == pytest.approx(0.001)
    assert fit.coefficients["intercept"].value == pytest.approx(1)
    assert fit.median_relative_residual == pytest.approx(0, abs=1e-9)
    assert fit.at(batch=3, pixels=50 * 50) == pytest.approx(0.001 * 3 * 2500 + 1)


def test_two_sizes_fit_any_line_and_are_refused() -> None:
    (refused,) = fit_latency_over_sizes([of_size(side, batch) for side in (32, 64) for batch in BATCHES])
    assert isinstance(refused, Refusal)
    assert refused.reason.startswith("2 distinct value(s) of pixels, and at least 3 are needed")


def test_one_size_has_no_fit_over_sizes() -> None:
    assert [*fit_latency_over_sizes([latency(batch) for batch in BATCHES])] == []


def test_the_memory_of_several_sizes_has_a_fit_where_it_is_known() -> None:
    points = [size(side, batch) for side in (32, 48, 64) for batch in (1, 4, 16)]
    (fit,) = fit_memory_over_sizes(points)
    assert isinstance(fit, Fit)
    assert (fit.quantity, fit.unit, fit.n) == ("peak_bytes", "bytes", 9)
    assert fit.coefficients["slope"].value == pytest.approx(40, rel=0.05)
    unknown = [one.model_copy(update={"peak_bytes": None}) for one in points]
    assert [*fit_memory_over_sizes(unknown)] == []
