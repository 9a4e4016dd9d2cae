"""Made-up points of every kind; what a test does not speak of is unknown for a reason."""

from typing import Any, TypeVar

from porting.repository.report.ranking_table import Member
from porting.repository.schema import Accuracy, Standing, Summary
from profiler.common.batching import Batching
from profiler.records.base import Noise, Record, Value
from profiler.records.capacity import Capacity, InTime, LoadPoint
from profiler.records.dynamic_batching import DynamicBatching, TriedBatching
from profiler.records.latency import LatencyPoint
from profiler.records.layer_time import LayerTime, LayerTimes
from profiler.records.memory import LargestBatch, MemoryPoint
from profiler.records.throughput import (
    Blocks,
    Contention,
    Energy,
    MaximalThroughput,
    Repeats,
    SizePoint,
    ThroughputPoint,
    Visit,
)
from profiler.records.warm_up import FirstInference, LoadTime, Switch, UnloadTime, WarmUpCurve

R = TypeVar("R", bound=Value)
BATCHES = (1, 2, 4, 8, 16, 32)
LOADS = tuple(tenth / 10 for tenth in range(1, 12))
FIRST_EXPLODING = 1.0
CURVE_MS = (40.0, 9.0, 5.0, 3.5, *[3.1, 3.0, 2.9, 3.0] * 49)


def partly(kind: type[R], **values: Any) -> R:
    """A record that has one core and quiet noise unless told; what is required and not given is unknown."""
    usual = {"runtime": "triton", "cores": 1.0, "threads": 1, "instances": 1, "noise": quiet()}
    required = [name for name, field in kind.model_fields.items() if field.is_required()]
    known = {name: value for name, value in usual.items() if name in required} | values
    filled = dict.fromkeys(required) | known
    if issubclass(kind, Record):
        filled["reasons"] = {name: "not taken" for name, value in filled.items() if value is None}
    return kind.model_validate(filled)


def quiet() -> Noise:
    return Noise(
        steal_share=0.0, load_1min=0.1, cpu_mhz=3000.0, switches_per_s=10.0, cgroup_cores=2.0,
        throttled_share=0.0, reference_per_s=100.0, others_share=0.0,
    )  # fmt: skip


def latency(batch: int, **changes: Any) -> LatencyPoint:
    """About 0.5 ms and 1.2 ms an image, beside a reference of 100/s; one client of the server sees the same."""
    middle = 0.5 + 1.2 * batch + 0.02 * (-1) ** batch.bit_length()
    values: dict[str, Any] = {"concurrency": 1, "input_shape": (3, 32, 32), "n": 100} | medians(middle)
    return partly(LatencyPoint, batch=batch, mean_ms=middle * 1.15, sd_ms=0.1, p95_ms=middle * 1.4, **values | changes)


def medians(milliseconds: float, half: float = 0.05) -> dict[str, Any]:
    """The medians of a latency with an interval of ± `half` of it, beside a reference of 100/s."""
    relative = milliseconds / 10
    return {
        "p50_ms": milliseconds, "p50_low_ms": milliseconds * (1 - half), "p50_high_ms": milliseconds * (1 + half),
        "relative_p50": relative, "low_relative_p50": relative * (1 - half), "high_relative_p50": relative * (1 + half),
        "visit_p50_ms": (milliseconds,), "visit_relative_p50": (relative,),
    }  # fmt: skip


def unknown_latency(reason: str) -> LatencyPoint:
    """Of batch 1, without a median, for this reason."""
    unknown = [f"p50_{end}ms" for end in ("", "low_", "high_")]
    point = latency(1, **dict.fromkeys(unknown))
    return point.model_copy(update={"reasons": point.reasons | dict.fromkeys(unknown, reason)})


def rate(kind: type[R], batch: int, concurrency: int, images_per_s: float, **changes: Any) -> R:
    """A closed loop at this rate, beside a reference of 100/s."""
    values = {
        "images_per_s": images_per_s, "low_images_per_s": images_per_s * 0.95,
        "high_images_per_s": images_per_s * 1.05, "relative_throughput": images_per_s / 100,
        "low_relative_throughput": images_per_s * 0.0098, "high_relative_throughput": images_per_s * 0.0102,
        "slices": 24, "answers": 4000, "server_answers": 4000, "client_cpu_share": 0.2, "verdict": "settled",
        "verdict_reason": "the interval is ± 2.0 %",
    }  # fmt: skip
    if kind is MaximalThroughput:
        values |= {"saturated": True, "blocks": blocks(images_per_s)}
        values["energy"] = partly(Energy, source="rapl", n=4000, seconds=5.0)
    return partly(kind, batch=batch, concurrency=concurrency, **values | changes)


def blocks(images_per_s: float) -> Blocks:
    return Blocks(counted=(images_per_s,) * 6, seconds=(1.0,) * 6, references=(100.0,) * 6)


def load_point(load_share: float, **changes: Any) -> LoadPoint:
    """Fewer are in time under more load, and from the whole maximum on the queue explodes."""
    shares = {7.5: 1 - load_share / 4, 17.0: 1 - load_share / 10}
    in_time = [
        InTime(
            deadline_ms=ms, in_time_share=one, low_share=one - 0.02, high_share=min(1.0, one + 0.02), late_send_share=0
        )
        for ms, one in shares.items()
    ]
    values: dict[str, Any] = {"cpu_share": 0.9 * load_share, "exploding": False, "verdict": "settled"}
    values |= {"offered_per_s": 500 * load_share, "relative_offered": 555 * load_share, "p50_ms": 3.0}
    if load_share >= FIRST_EXPLODING:
        values |= {"exploding": True, "verdict": "unsettled", "slope": 0.2, "low_slope": 0.1, "high_slope": 0.3}
    return partly(
        LoadPoint, batch=1, load_share=load_share, requests=1000, lost=0,
        in_time=in_time, max_requests_per_s=555.0, answered=1000, server_cores_used=0.9 * load_share,
        core_s_per_inference=0.0018, verdict_reason="the queue was hopeless", **values | changes,
    )  # fmt: skip


def size(side: int, batch: int) -> SizePoint:
    """Pictures of this side: as many pixels a second at every size, and about 40 bytes for each pixel."""
    peak_bytes = (50 << 20) + batch * side**2 * (40 + batch % 2)
    return rate(SizePoint, batch, 4, 2e6 / side**2, input_shape=(3, side, side), peak_bytes=peak_bytes)


def capacity(cores: float, multiple: float) -> Capacity:
    requests_per_s = 400 * cores
    values = {
        f"{end}requests_per_s": requests_per_s * share for end, share in (("low_", 0.95), ("", 1.0), ("high_", 1.05))
    } | {f"{end}relative_capacity": 4 * cores * share for end, share in (("low_", 0.95), ("", 1.0), ("high_", 1.05))}
    return partly(
        Capacity, batch=1, cores=cores, deadline_ms=1.7 * multiple, quantile=0.99,
        max_throughput_share=0.8, trials=[], verdict="settled", verdict_reason="", **values,
    )  # fmt: skip


def dynamic_batching(on: bool = True, **changes: Any) -> DynamicBatching:
    """A search under 8.5 ms whose best batching has twice the capacity, on one core."""
    without, batching = capacity(1.0, 5), Batching(queue_delay_us=500, preferred_batches=(4, 8))
    rates = [name for name in Capacity.model_fields if name.endswith(("requests_per_s", "relative_capacity"))]
    higher = {name: 2 * getattr(without, name) for name in rates}
    maximum = rate(MaximalThroughput, 1, 16, 900.0, visits=1)
    values = {
        "best": batching, "capacity": without.model_copy(update=higher), "without": without,
        "maximum": maximum if on else None,
        "tried": [TriedBatching(batching=batching, predicted_requests_per_s=850.0, trials=())],
        "deadline_ms": without.deadline_ms, "quantile": 0.99, "search_s": 41.0, "verdict": "settled",
        "verdict_reason": "both capacities are settled",
    }  # fmt: skip
    return partly(DynamicBatching, on=on, **values | changes)


def repeats(**changes: Any) -> Repeats:
    up_and_down = [1 + 0.02 * (-1) ** place for place in range(20)]
    values: dict[str, Any] = {
        "images_per_s": [700 * one for one in up_and_down],
        "relative_throughput": [780 * one for one in up_and_down],
        "latency_p50_ms": [1.9 * one for one in up_and_down], "latency_mean_ms": [2.0 * one for one in up_and_down],
        "relative_latency_p50": [1.7 * one for one in up_and_down], "reference_per_s": [90.0] * 20,
        "images_per_s_cv": 0.071, "relative_throughput_cv": 0.018, "latency_p50_cv": 0.062,
        "relative_latency_p50_cv": 0.021, "latency_mean_cv": 0.083, "latency_runtime": "onnxruntime",
        "repeats": 20, "repeat_s": 5.0,
    }  # fmt: skip
    return partly(Repeats, batch=16, concurrency=4, **values | changes)


def visit(number: int, **changes: Any) -> Visit:
    """The maximum of batch 16 in a later round, beside a reference of 100/s."""
    values = {"batch": 16, "concurrency": 4, "blocks": blocks(780.0), "n": 100, "p50_ms": 19.7, "relative_p50": 1.97}
    return partly(Visit, visit=number, **values | changes)


def layer_times(*layers: LayerTime, **changes: Any) -> LayerTimes:
    """The times of these nodes, which explain the latency in full, on a processor with VNNI."""
    operator_us = {one.operator: sum(two.us for two in layers if two.operator == one.operator) for one in layers}
    sum_ms = sum(one.us for one in layers) / 1e3
    values: dict[str, Any] = {
        "call_ms": 0.01,
        "latency_ms": sum_ms + 0.01,
        "clocked_ms": 2 * sum_ms,
        "clock_us": 2.0,
        "clock_input_us": 0.1,
        "sum_share": 1.0,
    }
    values |= {"int8_instructions": ("avx512_vnni",), "n": 100}
    return partly(
        LayerTimes, runtime="onnxruntime", batch=1, layers=layers, operator_us=operator_us, sum_ms=sum_ms,
        **values | changes,
    )  # fmt: skip


def layer_time(name: str, operator: str, us: float, **changes: Any) -> LayerTime:
    """The time of one node, in the blocked layout, that computes the layer of its name."""
    values = {"layers": (name,), "depthwise": False, "blocked": True} | changes
    return LayerTime.model_validate({"name": name, "operator": operator, "us": us, **values})


def points() -> dict[str, tuple[Record, ...]]:
    """Points of every kind, by the profile's fields."""
    beside = {"batch": 16, "concurrency": 4, "slices": 16, "alone_images_per_s": 780.0, "client_cpu_share": 0.2}
    times = {"n": 10, "mean_ms": 210.0, "sd_ms": 9.0, "p50_ms": 208.0, "min_ms": 199.0, "max_ms": 230.0}
    return {
        "latency": (
            *(latency(batch) for batch in BATCHES),
            *(latency(batch, cores=2.0, threads=2) for batch in (1, 16)),
            latency(1, runtime="onnxruntime"),
        ),
        "layer_times": (layer_times(layer_time("conv", "Conv", 900.0), layer_time("fc", "Gemm", 100.0)),),
        "throughput": tuple(
            rate(ThroughputPoint, batch, callers, 500 + 20 * batch - 200 / callers)
            for batch in (1, 16)
            for callers in (1, 2, 4)
        ),
        "max_throughput": (
            rate(MaximalThroughput, 1, 4, 470.0, verdict="unsettled", verdict_reason="the interval is ± 9.0 %"),
            rate(MaximalThroughput, 16, 4, 780.0),
            rate(MaximalThroughput, 16, 8, 1400.0, cores=2.0),
            rate(MaximalThroughput, 16, 4, 350.0, cores=0.5),
        ),
        "load_time": (
            partly(LoadTime, page_cache="warm", resident_share=1.0, **times),
            partly(LoadTime, page_cache="cold", n=0),
        ),
        "unload_time": (partly(UnloadTime, **times),),
        "first_inference": tuple(
            partly(FirstInference, batch=b, n=2, first_ms=9.0 + 2 * b, first_min_ms=8.0 + 2 * b,
                   first_max_ms=10.0 + 2 * b, warm_n=20, warm_ms=2.0 * b)
            for b in BATCHES
        ),
        "warm_up": (
            partly(WarmUpCurve, batch=1, n=200, every=1, latency_ms=CURVE_MS, inferences_until_steady=4,
                   seconds_until_steady=0.0575, steady_ms=3.0),
            partly(WarmUpCurve, batch=32, n=200, every=2, latency_ms=[50.0 + one for one in CURVE_MS[::2]]),
        ),
        "switch": (
            partly(Switch, offered_per_s=50.0, offered_share=0.1, switches=4, load_ms=210.0, load_max_ms=240.0,
                   sent=250, answered=250, lost=0, wrong=0, slowest_ms=41.0, before_n=100, during_n=50, after_n=100,
                   during_p50_ms=5.5),
        ),
        "memory": tuple(
            partly(MemoryPoint, source="served processes", batch=b, resident_bytes=300 << 20,
                    peak_bytes=(310 + b) << 20)
            for b in BATCHES
        ),
        "sizes": tuple(size(side, batch) for side in (32, 48, 64) for batch in (1, 4, 16)),
        "largest_batch": (partly(LargestBatch, limit_bytes=1 << 30, batch=96, peak_bytes=1 << 30, trials=[]),),
        "dynamic_batching": (dynamic_batching(on=False),),
        "capacity": tuple(capacity(cores, multiple) for cores in (0.5, 1.0) for multiple in (2, 5, 10)),
        "load": tuple(load_point(one) for one in LOADS),
        "contention": tuple(
            partly(Contention, beside="digits-other", share=one, factor=1 - one * 1.1, factor_low=0.95 - one,
                   factor_high=1 - one, images_per_s=780 * (1 - one), other_max_per_s=900.0,
                   other_offered_per_s=900 * one, other_answered_per_s=900 * one, verdict="settled",
                   verdict_reason="", **beside)
            for one in (0.25, 0.5)
        ),
        "repeats": (repeats(),),
        "visits": tuple(visit(number) for number in (2, 3)),
    }  # fmt: skip


def member(name: str, accuracy: float, images_per_s: float, flops: float, data: str = "0" * 64) -> Member:
    """A variant of which accuracy, throughput and FLOPs are known, on one target."""
    figures = {
        "accuracy": (accuracy, accuracy - 0.01, accuracy + 0.01),
        "images_per_s": (images_per_s, images_per_s * 0.95, images_per_s * 1.05),
        "relative_throughput": (images_per_s / 100, images_per_s * 0.0098, images_per_s * 0.0102),
        "flops": (flops, flops, flops),
    }
    validation = Accuracy(dataset="digits", dataset_sha256=data, split="val", n=100, value=accuracy, low=0, high=1)
    standing = partly(
        Standing, level="quick", figures=figures, unknown={}, verdict_reason="", batch=16, concurrency=4,
        verdict="settled", on_frontier=True, ties_with=[],
    )  # fmt: skip
    summary = partly(
        Summary, name=name, version=1, task="digits", backbone="resnet8", technique=[], precision="fp32",
        onnx_sha256="0" * 64, validation_accuracy=validation, targets={"local_cpu": standing},
    )  # fmt: skip
    return summary, standing
