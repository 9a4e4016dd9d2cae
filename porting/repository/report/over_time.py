"""Series over time: successive inferences after a fresh load, and whole repeats (thesis, figure 5.6)."""

from collections.abc import Sequence
from itertools import cycle
from statistics import median

from porting.repository.report.section import COLOURS, Axis, Drawing, Mark, Panel, Rule, Section, Series, absent
from porting.repository.report.words import number, share
from profiler.records.profile import Profile
from profiler.records.throughput import Repeats
from profiler.records.warm_up import WarmUpCurve

WARM_UP, REPEATS = "Warm-up: successive inferences after a fresh load", "Throughput and latency, repeated"
LEGEND = "Hollow: as measured; filled: relative to the reference, with the same median. The spans of both axes agree."
# The smallest share on either side of the middle, and the factor that leaves room beyond the outermost value.
LEAST_SHARE, MARGIN = 0.02, 1.1


def warm_up(profile: Profile) -> Section:
    """One curve for each batch; a dashed line marks the inference from which the latency is steady."""
    if not profile.warm_up:
        return absent(WARM_UP, profile, WarmUpCurve, "warm_up")
    series, rules = list[Series](), list[Rule]()
    for curve, colour in zip(profile.warm_up, cycle(COLOURS), strict=False):
        name, first_ms = f"batch {curve.batch}", curve.latency_ms[0]
        # The curve keeps one inference of `every`, and the first one has the number 1.
        kept = [Mark(1 + place * curve.every, latency_ms) for place, latency_ms in enumerate(curve.latency_ms)]
        first = Mark(1, first_ms, f"{curve.kind}, first inference: {number(first_ms)} ms")
        series.append(Series(name, kept, colour, marker="", line="-", label=name))
        series.append(Series(f"{name} first", [first], colour, "cross", 4.6))
        if curve.inferences_until_steady is not None and curve.steady_ms is not None:
            steady = Mark(curve.inferences_until_steady + 1, curve.steady_ms, warm_up_in_words(curve))
            series.append(Series(f"{name} steady", [steady], colour, "diamond", 5.0, hollow=True))
            rules.append(Rule("x", steady.x, colour))
    panel = Panel(Axis("inference after the load"), Axis("latency, ms", "decades"), series, rules)
    return Section(WARM_UP, [*map(warm_up_in_words, profile.warm_up)], Drawing([panel]))


def warm_up_in_words(curve: WarmUpCurve) -> str:
    """The time until a batch is steady, or the reason why it is unknown."""
    if curve.inferences_until_steady is None or curve.seconds_until_steady is None or curve.steady_ms is None:
        why = "; ".join(dict.fromkeys(curve.reasons.values()))
        return f"Batch {curve.batch}: the time until it is steady is unknown: {why}."
    return (
        f"Batch {curve.batch}: steady at {number(curve.steady_ms)} ms after {curve.inferences_until_steady} inferences "
        f"({number(curve.seconds_until_steady)} s)."
    )


def repeats(profile: Profile) -> Section:
    """Two panels for each series of repeats: throughput on the left, latency on the right."""
    if not profile.repeats:
        return absent(REPEATS, profile, Repeats, "repeats")
    panels = [panel for one in profile.repeats for panel in repeat_panels(one)]
    return Section(REPEATS, [LEGEND, *map(repeats_in_words, profile.repeats)], Drawing(panels, columns=2))


def repeat_panels(one: Repeats) -> list[Panel]:
    """The throughput and the latency on axes of the same relative span, so that their spreads can be compared."""
    series = {
        "images/s": (one.images_per_s, scaled(one.relative_throughput, one.images_per_s)),
        "p50 at batch 1, ms": (one.latency_p50_ms, scaled(one.relative_latency_p50, one.latency_p50_ms)),
    }
    ends = {unit: (min(*raw, *relative), max(*raw, *relative)) for unit, (raw, relative) in series.items()}
    half_share = max(LEAST_SHARE, *(MARGIN * (high - low) / (high + low) for low, high in ends.values()))
    found = []
    for unit, (raw, relative) in series.items():
        middle = sum(ends[unit]) / 2
        axis = Axis(unit, low=middle * (1 - half_share), high=middle * (1 + half_share))
        shown = [
            Series("raw", marks(raw, f"{unit}, raw"), COLOURS[0], hollow=True),
            Series("relative", marks(relative, f"{unit}, by the reference"), COLOURS[0], line="-"),
        ]
        found.append(Panel(Axis("repeat"), axis, shown))
    return found


def scaled(values: Sequence[float], to: Sequence[float]) -> list[float]:
    """The values times one factor, so that their median is that of `to`."""
    factor = median(to) / median(values)
    return [factor * value for value in values]


def marks(values: Sequence[float], what: str) -> list[Mark]:
    """The values in the order of their measurement."""
    return [
        Mark(place, value, f"repeat {place}: {number(value)} {what}") for place, value in enumerate(values, start=1)
    ]


def repeats_in_words(one: Repeats) -> str:
    """The spread of the repeats, as coefficients of variation."""
    throughput = f"{share(one.images_per_s_cv)} raw, {share(one.relative_throughput_cv)} relative to the reference"
    latency = f"{share(one.latency_p50_cv)} raw, {share(one.relative_latency_p50_cv)} relative to the reference"
    return (
        f"{one.repeats} repeats of {number(one.repeat_s)} s, {one.kind}. "
        f"CV of the throughput at batch {one.batch} × {one.concurrency} callers: {throughput}. "
        f"CV of the median latency at batch 1 ({one.latency_runtime}): {latency}; "
        f"of the mean latency: {share(one.latency_mean_cv)} raw."
    )
