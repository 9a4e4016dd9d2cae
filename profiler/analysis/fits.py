"""The fits of a profile, from its tables of latency and of maximal throughput."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from profiler.analysis.fit_form import Sample, fit_form
from profiler.records.fit import Conditions, Fit, Refusal
from profiler.records.latency import LatencyPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference

T = TypeVar("T")

# The first of these that every point of a fit has: a median bears a stall, and drift is best divided out.
LATENCIES = ("corrected_p50_ms", "p50_ms", "mean_ms")
THROUGHPUT = "corrected_images_per_s"
THREAD_A_CORE = "one a core"
BEST = "the best at each core count"


def fitted(profile: Profile) -> Profile:
    """The profile with the fits that its points bear, and with why the others are refused."""
    # A first inference does not say of what input size it was.
    one_size = len({point.input_shape for point in profile.latency}) == 1
    first = profile.first_inference if one_size else ()
    found = [
        *fit_latency_over_batch(profile.latency, first),
        *fit_latency_over_cores(profile.latency, first),
        *fit_throughput_over_cores(profile.max_throughput),
    ]
    fits = tuple(one for one in found if isinstance(one, Fit))
    refusals = tuple(one for one in found if isinstance(one, Refusal))
    return profile.model_copy(update={"fits": fits, "refused_fits": refusals})


def fit_latency_over_batch(
    points: Iterable[LatencyPoint], first: Sequence[FirstInference] = ()
) -> Iterable[Fit | Refusal]:
    """Linear and of degree 2 in the batch, for the measured points that share everything else, one at a time.

    The first inferences with the same resources are set beside the fit as its warm-up.
    """
    shared = ("runtime", "cores", "threads", "instances", "concurrency", "input_shape")
    for group in grouped(one_at_a_time(points), lambda point: tuple(getattr(point, name) for name in shared)):
        conditions = conditions_of(group[0], shared)
        quantity, samples = latencies(group, ("batch",))
        beside = [Sample({"batch": one.batch}, one.first_ms) for one in first if fits_beside(one, group)]
        yield fit_form("linear in batch", quantity, conditions, samples, beside)
        yield fit_form("degree 2 in batch", quantity, conditions, samples, beside)


def fit_latency_over_cores(
    points: Iterable[LatencyPoint], first: Sequence[FirstInference] = ()
) -> Iterable[Fit | Refusal]:
    """In batch and cores, for the measured points that share everything else, one at a time.

    The threads are either the same everywhere or one for each core: of these, what covers the most core counts.
    """
    shared = ("runtime", "instances", "concurrency", "input_shape")
    for group in grouped(one_at_a_time(points), lambda point: tuple(getattr(point, name) for name in shared)):
        rules: list[tuple[str | int, list[LatencyPoint]]] = [(THREAD_A_CORE, list(filter(has_thread_a_core, group)))]
        rules += [(same[0].threads, same) for same in grouped(group, lambda point: point.threads)]
        threads, chosen = max(rules, key=lambda rule: len({point.cores for point in rule[1]}))
        quantity, samples = latencies(chosen, ("batch", "cores"))
        conditions = conditions_of(group[0], shared) | {"threads": threads}
        places = [one for one in first if fits_beside(one, chosen)]
        beside = [Sample({"batch": one.batch, "cores": one.cores}, one.first_ms) for one in places]
        yield fit_form("batch and cores", quantity, conditions, samples, beside)


def fit_throughput_over_cores(points: Iterable[MaximalThroughput]) -> Iterable[Fit | Refusal]:
    """Linear in the cores, by runtime and batch, through the best threads and instances that each core count has.

    What was not saturated is no maximum and is left out.
    """
    maxima = (point for point in points if point.kind == "measured" and point.verdict != "not saturated")
    for group in grouped(maxima, lambda point: (point.runtime, point.batch)):
        best = [
            max(same, key=lambda point: point.corrected_images_per_s)
            for same in grouped(group, lambda point: point.cores)
        ]
        samples = [Sample({"cores": point.cores}, point.corrected_images_per_s) for point in best]
        conditions = conditions_of(group[0], ("runtime", "batch")) | {"threads": BEST, "instances": BEST}
        yield fit_form("linear in cores", THROUGHPUT, conditions, samples)


def one_at_a_time(points: Iterable[LatencyPoint]) -> Iterable[LatencyPoint]:
    """Measured points that no other request waited beside: warm ones, as every latency point is."""
    return (point for point in points if point.kind == "measured" and point.concurrency == 1)


def grouped(points: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """The points with equal keys, in the order in which the keys appear."""
    groups: dict[Hashable, list[T]] = {}
    for point in points:
        groups.setdefault(key(point), []).append(point)
    return list(groups.values())


def conditions_of(point: LatencyPoint | MaximalThroughput, names: Iterable[str]) -> Conditions:
    """What is equal for all points of a fit, as JSON has it."""
    return {name: point.model_dump(mode="json", include={name})[name] for name in names}


def latencies(points: Sequence[LatencyPoint], variables: Sequence[str]) -> tuple[str, list[Sample]]:
    """The best figure that all the points have, by name, and its values."""
    quantity = next(name for name in LATENCIES if all(getattr(point, name) is not None for point in points))
    at = [{name: getattr(point, name) for name in variables} for point in points]
    return quantity, [Sample(place, getattr(point, quantity)) for place, point in zip(at, points, strict=True)]


def has_thread_a_core(point: LatencyPoint) -> bool:
    return point.threads == max(1, math.ceil(point.cores))


def fits_beside(first: FirstInference, points: Sequence[LatencyPoint]) -> bool:
    """Whether a first inference was had with the runtime and the resources of some of these points."""
    names = ("runtime", "cores", "threads", "instances")
    return any(all(getattr(first, name) == getattr(point, name) for name in names) for point in points)
