"""The figures by which variants are compared: meaning, unit, better direction, and place in a profile."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from porting.repository.schema import Accuracy, Figure, Flags, Standing
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import Level
from profiler.records.base import Missing, Point, Record, Timed
from profiler.records.capacity import Capacity, deadlines_ms
from profiler.records.latency import LatencyPoint
from profiler.records.memory import MemoryPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference, LoadTime, WarmUpCurve

DISTURBED = "disturbed: too few of its slices were undisturbed"
# The median of at most this number of samples is their mean.
MEDIAN_IS_MEAN = 2
# The fields of a point with a value and the ends of its interval.
RATE = ("images_per_s", "low_images_per_s", "high_images_per_s")
RELATIVE_RATE = ("relative_throughput", "low_relative_throughput", "high_relative_throughput")
MEDIAN = ("p50_ms", "p50_low_ms", "p50_high_ms")
RELATIVE_MEDIAN = ("relative_p50", "low_relative_p50", "high_relative_p50")
TAIL = ("p99_ms", "p99_low_ms", "p99_high_ms")
CAPACITY = ("requests_per_s", "low_requests_per_s", "high_requests_per_s")
RELATIVE_CAPACITY = ("relative_capacity", "low_relative_capacity", "high_relative_capacity")
# A deadline is a part of the name of a capacity, so that variants compare at one deadline.
CAPACITY_NAME, RELATIVE_CAPACITY_NAME = "capacity_requests_per_s_at_{}_ms", "relative_capacity_at_{}_ms"
AT_DEADLINE = re.compile(r"(capacity_requests_per_s|relative_capacity)_at_([0-9]+(?:\.[0-9]+)?)_ms")

# A figure, the reason why it is missing, or `None` where the level of the profile does not measure it.
Found = Figure | str | None
Reader = Callable[[Accuracy | None, Profile], Found]


@dataclass(frozen=True)
class Metric:
    """A kind of figure; `of` reads it from the validation accuracy and the profile of a variant.

    Variants are compared by the metric `compared_by`, where that is another one: the interval of an absolute figure
    contains the machine's drift, which meets all variants alike.
    """

    better: Literal["higher", "lower"]
    unit: str
    meaning: str
    of: Reader
    compared_by: str | None = None


def figure_of(record: Record, *fields: str) -> Figure | None:
    """The figure in the fields of a record, those of the interval's ends last; `None` where the value is unknown."""
    value, *ends = (getattr(record, name) for name in fields)
    low, high = ends or (None, None)
    return None if value is None else (float(value), low, high)


def rounded(value: float) -> float:
    """The value in six significant digits, more than a measurement has, so that the index stays small."""
    return float(f"{value:.6g}")


def read(profile: Profile, record: Record | None, kind: type[Point], part: str, *fields: str) -> Found:
    """The rounded figure in the fields of a record; `part` measures the points of the `kind` that has the record."""
    if record is None:
        planned = {state.name for state in profile.parts} | {one.part for one in profile.missing}
        return why_absent(profile, kind, part) if part in planned else None
    figure = figure_of(record, *fields)
    if figure is None:
        return record.reasons.get(fields[0], "")
    value, low, high = figure
    return rounded(value), low and rounded(low), high and rounded(high)


def measured(choose: Callable[[Profile], Record | None], kind: type[Point], part: str, *fields: str) -> Reader:
    """A reader of fields of the record that `choose` finds in a profile."""
    return lambda _, profile: read(profile, choose(profile), kind, part, *fields)


def counted(field: str) -> Reader:
    """A reader of an exact count of the graph, whose interval is the count itself."""
    return lambda _, profile: figure_of(profile.complexity, field, field, field) or "the graph does not have it"


def accuracy(found: Accuracy | None, _: Profile) -> Figure | str:
    """The top-1 accuracy on the validation split."""
    return (found.value, found.low, found.high) if found else "the file was not evaluated on data"


def served_memory(points: Iterable[MemoryPoint]) -> list[MemoryPoint]:
    """The memory points of the serving processes."""
    return [point for point in points if point.source == "served processes"]


def peak_bytes(_: Accuracy | None, profile: Profile) -> Found:
    """The peak memory of the serving processes, the largest over the measured batches."""
    point = max(served_memory(profile.own(profile.memory)), key=lambda one: one.peak_bytes or 0, default=None)
    # A known value is not rounded, because an orchestrator reserves exactly this many bytes.
    exact = figure_of(point, "peak_bytes") if point else None
    return exact or read(profile, point, MemoryPoint, "memory", "peak_bytes")


def load_ms(_: Accuracy | None, profile: Profile) -> Found:
    """The median load time with the file in the page cache; the median of one load or two is their mean."""
    point = next((point for point in profile.own(profile.load_time) if point.page_cache == "warm"), None)
    few = point is not None and point.p50_ms is None and 0 < point.n <= MEDIAN_IS_MEAN
    fields = ("mean_ms",) if few else ("p50_ms", "p50_low_ms", "p50_high_ms")
    return read(profile, point, LoadTime, "warm_up", *fields)


def latency(*fields: str) -> Reader:
    """A reader of the latency at batch 1 that one client of the target sees."""
    return measured(client_latency, LatencyPoint, "throughput", *fields)


def client_latency(profile: Profile) -> LatencyPoint | None:
    """The latency at batch 1 that one client of the target sees."""
    return profile.latency_at(1)


def at_maximum(*fields: str) -> Reader:
    """A reader of the maximal throughput of the best batch."""
    return measured(Profile.best_throughput, MaximalThroughput, "throughput", *fields)


def at_single(*fields: str) -> Reader:
    """A reader of the maximal throughput of single requests."""
    return measured(single_throughput, MaximalThroughput, "throughput", *fields)


def single_throughput(profile: Profile) -> MaximalThroughput | None:
    """The maximal throughput of single requests."""
    return profile.throughput_at(1)


def undisturbed(choose: Callable[[Profile], Timed | None], reader: Reader) -> Reader:
    """A reader for comparisons; the record that `choose` finds compares with nothing where it is disturbed."""

    def read_it(accuracy: Accuracy | None, profile: Profile) -> Found:
        record = choose(profile)
        if record is not None and record.is_disturbed():
            return DISTURBED
        return reader(accuracy, profile)

    return read_it


def joules_per_inference(_: Accuracy | None, profile: Profile) -> Found:
    """The energy of one inference at the maximal throughput."""
    best = profile.best_throughput()
    return read(profile, best and best.energy, MaximalThroughput, "throughput", "joules_per_inference")


def capacity_names(profile: Profile) -> list[str]:
    """The metrics of the capacities at each deadline of the profile, on the target's own resources."""
    found = {*deadlines_ms([*profile.own(profile.load), *profile.own(profile.capacity)]), *lacking(profile)}
    return [name.format(f"{one:g}") for name in (CAPACITY_NAME, RELATIVE_CAPACITY_NAME) for one in sorted(found)]


def lacking(profile: Profile) -> dict[float, Missing]:
    """The missing capacities on the target's own cores, by the deadline in ms."""
    missing = [
        one for one in profile.missing if (one.point, one.at.get("cores")) == (Capacity.__name__, profile.target.cores)
    ]
    return {found: one for one in missing if isinstance(found := one.at.get("deadline_ms"), float)}


def capacity_metric(name: str) -> Metric | None:
    """The metric of a capacity at the deadline in the name, `None` for another name."""
    match = AT_DEADLINE.fullmatch(name)
    if match is None:
        return None
    deadline, absolute = match[2], name.startswith("capacity")
    fields = CAPACITY if absolute else RELATIVE_CAPACITY

    def read_it(_: Accuracy | None, profile: Profile) -> Found:
        point = next((one for one in profile.own(profile.capacity) if f"{one.deadline_ms:g}" == deadline), None)
        if point is None and (missing := lacking(profile).get(float(deadline))):
            return f"{missing.verdict}: {missing.reason}"
        return read(profile, point, Capacity, "capacity", *fields)

    meaning = f"capacity within {deadline} ms, the highest Poisson rate in time, as offered"
    if absolute:
        return Metric("higher", "1/s", meaning, read_it, RELATIVE_CAPACITY_NAME.format(deadline))
    meaning = f"relative capacity within {deadline} ms, requests for each inference of the reference network"
    return Metric("higher", "1", meaning, read_it)


def every_metric(names: Iterable[str]) -> list[str]:
    """The fixed metrics, then the capacities among these names by deadline."""
    found = {name: match for name in names if (match := AT_DEADLINE.fullmatch(name))}
    return [*METRICS, *sorted(found, key=lambda name: (found[name][1], float(found[name][2])))]


first_inference = measured(
    lambda profile: next((point for point in profile.own(profile.first_inference) if point.batch == 1), None),
    FirstInference, "warm_up", "first_ms",
)  # fmt: skip
warm_up = measured(
    lambda profile: next((point for point in profile.own(profile.warm_up) if point.batch == 1), None),
    WarmUpCurve, "warm_up", "seconds_until_steady",
)  # fmt: skip

METRICS = {
    "accuracy": Metric("higher", "1", "top-1 accuracy on the validation split", accuracy),
    "images_per_s": Metric(
        "higher", "1/s", "maximal throughput, of the best batch in a closed loop, as delivered", at_maximum(*RATE),
        "relative_throughput",
    ),
    "relative_throughput": Metric(
        "higher", "1", "relative throughput, inputs at the maximum for each inference of the reference network",
        undisturbed(Profile.best_throughput, at_maximum(*RELATIVE_RATE)),
    ),
    "single_images_per_s": Metric(
        "higher", "1/s", "throughput at batch 1, the maximum in a closed loop, as delivered", at_single(*RATE),
        "relative_single_throughput",
    ),
    "relative_single_throughput": Metric(
        "higher", "1", "relative throughput at batch 1, the maximum for each inference of the reference network",
        undisturbed(single_throughput, at_single(*RELATIVE_RATE)),
    ),
    "p50_ms": Metric(
        "lower", "ms", "median latency at batch 1, as one client sees it", latency(*MEDIAN), "relative_p50"
    ),
    "relative_p50": Metric(
        "lower", "1", "relative latency at batch 1, the median in inferences of the reference network",
        undisturbed(client_latency, latency(*RELATIVE_MEDIAN)),
    ),
    "compute_p50_ms": Metric(
        "lower", "ms", "median computation at batch 1, without a server",
        measured(lambda profile: profile.compute_latency_at(1), LatencyPoint, "latency", *MEDIAN),
    ),
    "p99_ms": Metric("lower", "ms", "99th percentile of the latency at batch 1, as one client sees it", latency(*TAIL)),
    "parameters": Metric("lower", "1", "parameters of the graph", counted("parameters")),
    "flops": Metric("lower", "1", "operations an input, 2 × MACs", counted("flops")),
    "file_bytes": Metric("lower", "bytes", "size of the ONNX file", counted("file_bytes")),
    "peak_bytes": Metric("lower", "bytes", "peak memory when served, most over the measured batches", peak_bytes),
    "core_s_per_inference": Metric(
        "lower", "s", "core-seconds an inference at the maximum", at_maximum("core_s_per_inference")
    ),
    "joules_per_inference": Metric("lower", "J", "energy an inference at the maximal throughput", joules_per_inference),
    "load_ms": Metric("lower", "ms", "median time from the load call to ready, file in the page cache", load_ms),
    "first_inference_ms": Metric("lower", "ms", "first answer at batch 1 after a fresh load", first_inference),
    "warm_up_s": Metric("lower", "s", "from the first request at batch 1 until steady", warm_up),
}  # fmt: skip


# The batch of each figure that has one, 0 for the best batch of the variant.
BATCHES = dict.fromkeys(
    ("images_per_s", "relative_throughput", "core_s_per_inference", "joules_per_inference"), 0
) | dict.fromkeys(
    (
        "single_images_per_s", "relative_single_throughput", "p50_ms", "relative_p50",
        "compute_p50_ms", "p99_ms", "first_inference_ms", "warm_up_s",
    ), 1,
)  # fmt: skip


def metric(name: str) -> Metric:
    """The metric of that name; raises `BadInputError` for an unknown one."""
    found = METRICS.get(name) or capacity_metric(name)
    if found is None:
        choices = ", ".join([*METRICS, CAPACITY_NAME.format("DEADLINE")])
        raise BadInputError(f"unknown metric {name!r}: choices are {choices}")
    return found


def compared_by(name: str) -> str:
    """The metric by which variants are compared in a metric; raises `BadInputError` for an unknown one."""
    return metric(name).compared_by or name


def rank_value(name: str, known: Mapping[str, Figure]) -> float:
    """The value of a figure, negated where lower is better, and −∞ where it is unknown."""
    figure, sign = known.get(name), 1 if metric(name).better == "higher" else -1
    return float("-inf") if figure is None else sign * figure[0]


def figures(
    validation: Accuracy | None, profile: Profile, flags: Flags | None = None
) -> tuple[dict[str, Figure], dict[str, str]]:
    """The known figures of a variant on a target, and the reasons for missing ones that its level measures.

    A validation accuracy that `flags` takes the rank of is missing.
    """
    found = {
        name: why_unranked(flags or {}, [name]) or metric(name).of(validation, profile)
        for name in every_metric(capacity_names(profile))
    }
    known = {name: one for name, one in found.items() if isinstance(one, tuple)}
    return known, {name: one for name, one in found.items() if isinstance(one, str)}


def why_unknown(standing: Standing, name: str) -> str:
    """The reason why a variant lacks a figure on a target."""
    usual = not_of_level(standing.level)
    if AT_DEADLINE.fullmatch(name) and (known := [one for one in standing.figures if AT_DEADLINE.fullmatch(one)]):
        usual = f"it was not measured at this deadline, but {', '.join(known)}"
    return standing.unknown.get(name, usual)


def not_of_level(level: Level) -> str:
    """The reason for a figure that the settings of a level do not measure."""
    return f"the level {level} does not measure it{', profile=full does' if level == 'quick' else ''}"


def measured_by(level: Level, missing: Missing) -> str:
    """The settings of a run that measure a missing point, or why there are none."""
    if missing.setting:
        return f"profile={level} {missing.setting}"
    return "the same settings again" if missing.verdict == "failed" else "no setting on this machine"


def why_absent(profile: Profile, kind: type[Point], part: str) -> str:
    """The reason why a profile has no point of a kind that `part` measures."""
    missing = [one for one in profile.missing if one.part == part]
    # A point that depends on another one is not planned where the other one is missing.
    decisive = [one for one in missing if one.point == kind.__name__] or missing
    if decisive:
        return "; ".join(
            dict.fromkeys(
                f"{one.verdict}: {one.reason} (measured by {measured_by(profile.level, one)})" for one in decisive
            )
        )
    finished = {state.name: state.finished for state in profile.parts}
    if part not in finished:
        return not_of_level(profile.level)
    return f"profile.{part} has no such point, or nothing to measure" if finished[part] else "the run ended before it"


# The validation accuracy is above the test accuracy by more than chance allows.
SEEN = "validation-above-test"
ONE_ANSWER = "one-answer"
COLLAPSED = "collapsed-classes"


def why_unranked(flags: Flags, metrics: Iterable[str]) -> str:
    """The reason why a variant has no rank in these metrics, as one of them is a flagged accuracy; else empty."""
    return flags.get(SEEN, "") if "accuracy" in metrics else ""
