"""The fits of a profile, from its tables of latency and of maximal throughput."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import attrgetter
from typing import TypeVar

from profiler.analysis.fit_form import Sample, fit_form
from profiler.records.fit import Conditions, Fit, Refusal
from profiler.records.latency import LatencyPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput, SizePoint
from profiler.records.warm_up import FirstInference

T = TypeVar("T")

# A fit uses the first of these that all of its points have, as a median is robust.
LATENCIES = ("p50_ms", "mean_ms")
THROUGHPUT = "images_per_s"
THREAD_A_CORE = "one a core"
BEST = "the best at each core count"


def fitted(profile: Profile) -> Profile:
    """The profile with the fits to its points, and with the reasons for refused ones."""
    # The record of a first inference has no input size.
    one_size = len({point.input_shape for point in profile.latency}) == 1
    first = profile.first_inference if one_size else ()
    found = [
        *fit_latency_over_batch(profile.latency, first),
        *fit_latency_over_cores(profile.latency, first),
        *fit_throughput_over_cores(profile.max_throughput),
        *fit_latency_over_sizes(profile.latency),
        *fit_memory_over_sizes(profile.sizes),
    ]
    fits = tuple(one for one in found if isinstance(one, Fit))
    refusals = tuple(one for one in found if isinstance(one, Refusal))
    return profile.model_copy(update={"fits": fits, "refused_fits": refusals})


def fit_latency_over_batch(
    points: Iterable[LatencyPoint], first: Sequence[FirstInference] = ()
) -> Iterable[Fit | Refusal]:
    """The fits linear and of degree 2 in the batch, one pair for each set of points that agree in all else.

    First inferences with the same resources are the warm-up.
    """
    shared = ("runtime", "cores", "threads", "instances", "concurrency", "input_shape")
    for group in grouped(one_at_a_time(points), attrgetter(*shared)):
        conditions = conditions_of(group[0], shared)
        quantity, samples = latencies(group, ("batch",))
        warm_up = [Sample({"batch": one.batch}, one.first_ms) for one in first if same_resources(one, group)]
        yield fit_form("linear in batch", quantity, conditions, samples, warm_up)
        yield fit_form("degree 2 in batch", quantity, conditions, samples, warm_up)


def fit_latency_over_cores(
    points: Iterable[LatencyPoint], first: Sequence[FirstInference] = ()
) -> Iterable[Fit | Refusal]:
    """The fits in batch and cores, one for each set of points that agree in all else.

    The threads are the same everywhere or one for each core, whichever covers the most core counts.
    """
    shared = ("runtime", "instances", "concurrency", "input_shape")
    for group in grouped(one_at_a_time(points), attrgetter(*shared)):
        thread_a_core = [point for point in group if point.threads == max(1, math.ceil(point.cores))]
        rules: list[tuple[str | int, list[LatencyPoint]]] = [(THREAD_A_CORE, thread_a_core)]
        rules += [(same[0].threads, same) for same in grouped(group, attrgetter("threads"))]
        threads, chosen = max(rules, key=lambda rule: len({point.cores for point in rule[1]}))
        quantity, samples = latencies(chosen, ("batch", "cores"))
        conditions = conditions_of(group[0], shared) | {"threads": threads}
        beginnings = [one for one in first if same_resources(one, chosen)]
        warm_up = [Sample({"batch": one.batch, "cores": one.cores}, one.first_ms) for one in beginnings]
        yield fit_form("batch and cores", quantity, conditions, samples, warm_up)


def fit_throughput_over_cores(points: Iterable[MaximalThroughput]) -> Iterable[Fit | Refusal]:
    """The fits linear in the cores, by runtime and batch, to the best saturated point of each core count."""
    maxima = (point for point in points if point.kind == "measured" and point.verdict != "not saturated")
    for group in grouped(maxima, lambda point: (point.runtime, point.batch)):
        best = [max(same, key=lambda point: point.images_per_s) for same in grouped(group, lambda point: point.cores)]
        samples = [Sample({"cores": point.cores}, point.images_per_s) for point in best]
        conditions = conditions_of(group[0], ("runtime", "batch")) | {"threads": BEST, "instances": BEST}
        yield fit_form("linear in cores", THROUGHPUT, conditions, samples)


def fit_latency_over_sizes(points: Iterable[LatencyPoint]) -> Iterable[Fit | Refusal]:
    """The fits over batch and input size, one for each set of points of several sizes that agree in all else."""
    shared = ("runtime", "cores", "threads", "instances", "concurrency")
    for group in grouped(one_at_a_time(points), attrgetter(*shared)):
        if len({point.pixels for point in group}) > 1:
            quantity, samples = latencies(group, ("batch", "pixels"))
            yield fit_form("linear in batch and pixels", quantity, conditions_of(group[0], shared), samples)


def fit_memory_over_sizes(points: Iterable[SizePoint]) -> Iterable[Fit | Refusal]:
    """The fits of the peak memory over batch and input size, one for each set of points with equal resources."""
    shared = ("runtime", "cores", "threads", "instances")
    known = [point for point in points if point.peak_bytes is not None]
    for group in grouped(known, attrgetter(*shared)):
        samples = [
            Sample({"batch": point.batch, "pixels": point.pixels}, point.peak_bytes)
            for point in group
            if point.peak_bytes is not None
        ]
        yield fit_form("memory in batch and pixels", "peak_bytes", conditions_of(group[0], shared), samples)


def one_at_a_time(points: Iterable[LatencyPoint]) -> Iterable[LatencyPoint]:
    """The measured points with one request at a time; every latency point is warm."""
    return (point for point in points if point.kind == "measured" and point.concurrency == 1)


def grouped(points: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """The points with equal keys, in the order in which the keys appear."""
    groups: dict[Hashable, list[T]] = {}
    for point in points:
        groups.setdefault(key(point), []).append(point)
    return list(groups.values())


def conditions_of(point: LatencyPoint | MaximalThroughput | SizePoint, names: Iterable[str]) -> Conditions:
    """The fields that are equal for all points of a fit, as JSON values."""
    return {name: point.model_dump(mode="json", include={name})[name] for name in names}


def latencies(points: Sequence[LatencyPoint], variables: Sequence[str]) -> tuple[str, list[Sample]]:
    """The name of the best figure that all points have, and its values."""
    quantity = next(name for name in LATENCIES if all(getattr(point, name) is not None for point in points))
    at = [{name: getattr(point, name) for name in variables} for point in points]
    return quantity, [Sample(place, getattr(point, quantity)) for place, point in zip(at, points, strict=True)]


def same_resources(first: FirstInference, points: Sequence[LatencyPoint]) -> bool:
    """Whether a first inference has the runtime and the resources of one of these points."""
    return any((first.runtime, first.resources) == (point.runtime, point.resources) for point in points)
