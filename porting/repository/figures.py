"""The figures by which variants are compared: meaning, unit, better direction, and place in a profile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from porting.repository.schema import Accuracy, Figure, Standing
from profiler.common.errors import BadInputError
from profiler.records.base import Point
from profiler.records.capacity import Capacity
from profiler.records.latency import LatencyPoint
from profiler.records.memory import MemoryPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference, LoadTime, WarmUpCurve

# Of so many samples the median is the mean.
MEDIAN_IS_MEAN = 2


@dataclass(frozen=True)
class Absent:
    """The lack of any point of a kind in a profile, and the part of the profile that measures such points."""

    kind: type[Point]
    part: str


@dataclass(frozen=True)
class Metric:
    """A kind of figure; `of` gives its value with its 95 % interval, or the reason why it is missing.

    Variants are compared by the metric `compared_by`, where that is another one: the interval of an absolute figure
    contains the machine's drift, which meets all variants alike.
    """

    better: Literal["higher", "lower"]
    unit: str
    meaning: str
    of: Callable[[Accuracy | None, Profile], Figure | str | Absent]
    compared_by: str | None = None


def exact(value: float | None) -> Figure | str:
    """A count, whose interval is the count itself."""
    return "the graph does not tell" if value is None else (value, value, value)


def known(value: float | None, low: float | None, high: float | None, reason: str) -> Figure | str:
    """A measured value with its interval, or the `reason` where it is missing."""
    return reason if value is None else (rounded(value), low and rounded(low), high and rounded(high))


def rounded(value: float) -> float:
    """The value in six significant digits, more than a measurement has, so that the index stays small."""
    return float(f"{value:.6g}")


def accuracy(found: Accuracy | None, _: Profile) -> Figure | str:
    """The top-1 accuracy on the validation split."""
    return (found.value, found.low, found.high) if found else "the file was not evaluated on data"


def images_per_s(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The maximal throughput of the best batch, as delivered."""
    best = profile.best_throughput()
    if best is None:
        return Absent(MaximalThroughput, "throughput")
    return known(best.images_per_s, best.low_images_per_s, best.high_images_per_s, "")


def single_images_per_s(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The maximal throughput of single requests, as delivered."""
    point = profile.throughput_at(1)
    if point is None:
        return Absent(MaximalThroughput, "throughput")
    return known(point.images_per_s, point.low_images_per_s, point.high_images_per_s, "")


def relative_throughput(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The maximal throughput of the best batch, relative to the reference network."""
    return relative(profile.best_throughput())


def relative_single_throughput(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The maximal throughput of single requests, relative to the reference network."""
    return relative(profile.throughput_at(1))


def relative(point: MaximalThroughput | None) -> Figure | str | Absent:
    """The relative throughput of a point; a disturbed one compares with nothing."""
    if point is None:
        return Absent(MaximalThroughput, "throughput")
    if point.verdict == "disturbed":
        return f"disturbed: {point.verdict_reason}"
    return known(point.relative_throughput, point.low_relative_throughput, point.high_relative_throughput, "")


def p50_ms(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The median latency at batch 1 that one client of the target sees."""
    return median_ms(profile.latency_at(1), "throughput")


def compute_p50_ms(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The median latency of the computation alone at batch 1, in the profiler's own process."""
    return median_ms(profile.compute_latency_at(1), "latency")


def median_ms(point: LatencyPoint | None, part: str) -> Figure | str | Absent:
    """The median of a latency; `part` measures such points."""
    if point is None:
        return Absent(LatencyPoint, part)
    return known(point.p50_ms, point.p50_low_ms, point.p50_high_ms, point.reasons.get("p50_ms", ""))


def relative_p50(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The median latency at batch 1 that one client sees, in inferences of the reference network."""
    point = profile.latency_at(1)
    if point is None:
        return Absent(LatencyPoint, "throughput")
    if point.noise.disturbed:
        return "disturbed: too few slices of the latency were undisturbed"
    return known(point.relative_p50, point.low_relative_p50, point.high_relative_p50, "")


def p99_ms(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The 99th percentile of the latency at batch 1 that one client of the target sees."""
    point = profile.latency_at(1)
    if point is None:
        return Absent(LatencyPoint, "throughput")
    return known(point.p99_ms, point.p99_low_ms, point.p99_high_ms, point.reasons.get("p99_ms", ""))


def capacity_requests_per_s(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The capacity under the tightest measured deadline, as offered."""
    found = sorted(profile.own(profile.capacity), key=lambda point: point.deadline_multiple)
    if not found:
        return Absent(Capacity, "capacity")
    at = found[0]
    reason = at.reasons.get("requests_per_s", "")
    return known(at.requests_per_s, at.low_requests_per_s, at.high_requests_per_s, reason)


def peak_bytes(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The peak memory of the serving processes, the largest over the measured batches."""
    found = [point for point in profile.own(profile.memory) if point.source == "served processes"]
    if not found:
        return Absent(MemoryPoint, "memory")
    point = max(found, key=lambda one: one.peak_bytes or 0)
    # It is not rounded, because an orchestrator reserves exactly this many bytes.
    return point.reasons.get("peak_bytes", "") if point.peak_bytes is None else (float(point.peak_bytes), None, None)


def first_inference_ms(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The first answer at batch 1 after a fresh load."""
    found = [point for point in profile.own(profile.first_inference) if point.batch == 1]
    return known(found[0].first_ms, None, None, "") if found else Absent(FirstInference, "warm_up")


def warm_up_s(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The time from the first request at batch 1 until the latency is steady."""
    found = [point for point in profile.own(profile.warm_up) if point.batch == 1]
    if not found:
        return Absent(WarmUpCurve, "warm_up")
    return known(found[0].seconds_until_steady, None, None, found[0].reasons.get("seconds_until_steady", ""))


def load_ms(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The median load time with the file in the page cache; the median of one load or two is their mean."""
    found = [point for point in profile.own(profile.load_time) if point.page_cache == "warm"]
    if not found:
        return Absent(LoadTime, "warm_up")
    point = found[0]
    if point.p50_ms is None and 0 < point.n <= MEDIAN_IS_MEAN:
        return known(point.mean_ms, None, None, point.reasons.get("mean_ms", ""))
    return known(point.p50_ms, point.p50_low_ms, point.p50_high_ms, point.reasons.get("p50_ms", ""))


def core_s_per_inference(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The core-seconds of one inference at the maximal throughput."""
    best = profile.best_throughput()
    if best is None:
        return Absent(MaximalThroughput, "throughput")
    return known(best.core_s_per_inference, None, None, best.reasons.get("core_s_per_inference", ""))


def joules_per_inference(_: Accuracy | None, profile: Profile) -> Figure | str | Absent:
    """The energy of one inference at the maximal throughput."""
    best = profile.best_throughput()
    if best is None:
        return Absent(MaximalThroughput, "throughput")
    energy = best.energy
    return known(energy.joules_per_inference, None, None, energy.reasons.get("joules_per_inference", ""))


METRICS = {
    "accuracy": Metric("higher", "1", "top-1 accuracy on the validation split", accuracy),
    "images_per_s": Metric(
        "higher", "1/s", "maximal throughput of the best batch, closed loop, as delivered", images_per_s,
        "relative_throughput",
    ),
    "relative_throughput": Metric(
        "higher", "1", "inputs answered at the maximum while the reference network answers one", relative_throughput
    ),
    "single_images_per_s": Metric(
        "higher", "1/s", "maximal throughput of single requests, closed loop, as delivered", single_images_per_s,
        "relative_single_throughput",
    ),
    "relative_single_throughput": Metric(
        "higher", "1", "single requests answered at the maximum while the reference network answers one",
        relative_single_throughput,
    ),
    "capacity_requests_per_s": Metric(
        "higher", "1/s", "highest Poisson rate in time, by the tightest measured multiple of the own latency",
        capacity_requests_per_s,
    ),
    "p50_ms": Metric("lower", "ms", "median latency at batch 1 that one client sees", p50_ms, "relative_p50"),
    "relative_p50": Metric("lower", "1", "the same in inferences of the reference network", relative_p50),
    "compute_p50_ms": Metric("lower", "ms", "median latency at batch 1 of the computation alone", compute_p50_ms),
    "p99_ms": Metric("lower", "ms", "99th percentile of the latency at batch 1 that one client sees", p99_ms),
    "parameters": Metric("lower", "1", "parameters of the graph", lambda _, p: exact(p.complexity.parameters)),
    "flops": Metric("lower", "1", "operations an input, 2 × MACs", lambda _, p: exact(p.complexity.flops)),
    "file_bytes": Metric("lower", "bytes", "size of the ONNX file", lambda _, p: exact(p.complexity.file_bytes)),
    "peak_bytes": Metric("lower", "bytes", "peak memory when served, most over the measured batches", peak_bytes),
    "core_s_per_inference": Metric("lower", "s", "core-seconds an inference at the maximum", core_s_per_inference),
    "joules_per_inference": Metric("lower", "J", "energy an inference at the maximal throughput", joules_per_inference),
    "load_ms": Metric("lower", "ms", "median time from the load call to ready, file in the page cache", load_ms),
    "first_inference_ms": Metric("lower", "ms", "first answer at batch 1 after a fresh load", first_inference_ms),
    "warm_up_s": Metric("lower", "s", "from the first request at batch 1 until steady", warm_up_s),
}  # fmt: skip


def metric(name: str) -> Metric:
    """The metric of that name; raises `BadInputError` for an unknown one."""
    if name not in METRICS:
        raise BadInputError(f"unknown metric {name!r}: choices are {', '.join(METRICS)}")
    return METRICS[name]


def compared_by(name: str) -> str:
    """The metric by which variants are compared in a metric; raises `BadInputError` for an unknown one."""
    return metric(name).compared_by or name


def merit(name: str, known: Mapping[str, Figure]) -> float:
    """The value of a figure, negated where lower is better, and −∞ where it is unknown."""
    figure, sign = known.get(name), 1 if metric(name).better == "higher" else -1
    return float("-inf") if figure is None else sign * figure[0]


def figures(validation: Accuracy | None, profile: Profile) -> tuple[dict[str, Figure], dict[str, str]]:
    """The known figures of a variant on a target, and the reasons for missing ones that its level measures."""
    planned = {state.name for state in profile.parts} | {one.part for one in profile.missing}
    known: dict[str, Figure] = {}
    unknown: dict[str, str] = {}
    for name, one in METRICS.items():
        found = one.of(validation, profile)
        if isinstance(found, tuple):
            known[name] = found
        elif isinstance(found, str):
            unknown[name] = found
        elif found.part in planned:
            unknown[name] = why_absent(profile, found.kind, found.part)
    return known, unknown


def why_unknown(standing: Standing, name: str) -> str:
    """The reason why a variant lacks a figure on a target."""
    return standing.unknown.get(name, f"the level {standing.level} does not measure it")


def why_absent(profile: Profile, kind: type[Point], part: str) -> str:
    """The reason why a profile has no point of a kind that `part` measures."""
    missing = [one for one in profile.missing if one.part == part]
    # A point that depends on another one is not planned where the other one is missing.
    decisive = [one for one in missing if one.point == kind.__name__] or missing
    if decisive:
        return "; ".join(dict.fromkeys(f"{one.verdict}: {one.reason}" for one in decisive))
    finished = {state.name: state.finished for state in profile.parts}
    if part not in finished:
        return f"the level {profile.level} does not measure it"
    return "it was not asked for, or there was nothing to measure" if finished[part] else "the run ended before it"
