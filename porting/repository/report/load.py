"""The share of answers in time over the offered load, the processor use, and the load at which the queue explodes."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

from porting.repository.figures import why_absent
from porting.repository.report.section import (
    COLOURS,
    GREY,
    RED,
    Axis,
    Drawing,
    Mark,
    Note,
    Panel,
    Rule,
    Section,
    Series,
    Table,
    absent,
)  # fmt: skip
from porting.repository.report.words import between, known, number, reasons, share
from profiler.records.capacity import Capacity, InTime, LoadPoint
from profiler.records.dynamic_batching import DynamicBatching
from profiler.records.profile import Profile

TITLE = "In time over offered load"
LEGEND = (
    "Poisson arrivals, latency from the scheduled time, 95 % intervals. CPU use is that of the server on its cores."
)
COLUMNS = ("cores × instances", "deadline", "in time", "requests/s", "of the maximum", "verdict")


def load(profile: Profile) -> Section:
    """The points over offered loads on the target's own resources, and the capacities by cores and deadline."""
    points = sorted(profile.own(profile.load), key=lambda point: point.load_share)
    table = Table(COLUMNS, [capacity_row(point) for point in profile.capacity]) if profile.capacity else None
    notes = [] if table else [f"No capacity: {why_absent(profile, Capacity, 'capacity')}."]
    notes += [batching_in_words(point) for point in profile.own(profile.dynamic_batching)]
    notes += reasons(points, "cpu_share") + reasons(profile.capacity, "requests_per_s", "max_throughput_share")
    if not points:
        return replace(absent(TITLE, profile, LoadPoint, "capacity", *notes), table=table)
    first = next((point for point in points if point.exploding), None)
    return Section(TITLE, [LEGEND, explosion_in_words(points, first), *notes], Drawing([panel(points, first)]), table)


def panel(points: Sequence[LoadPoint], first: LoadPoint | None) -> Panel:
    """The shares in time and of the processors over the load, and the `first` load at which the queue explodes."""
    x = Axis("offered load, share of the maximal throughput", percent=True)
    y = Axis("share", percent=True, low=-0.03)
    series = [*shares(points), *processors(points)]
    if first is None:
        return Panel(x, y, series)
    note = Note(first.load_share, 0.0, "queue explodes ", RED, "end")
    return Panel(x, y, series, [Rule("x", first.load_share, RED)], [note])


def shares(points: Sequence[LoadPoint]) -> list[Series]:
    """The shares in time, with one series for each deadline."""
    series = []
    deadlines = sorted({one.deadline_ms for point in points for one in point.in_time})
    for deadline_ms, colour in zip(deadlines, cycle(COLOURS), strict=False):
        marks = [in_time(point, one) for point in points for one in point.in_time if one.deadline_ms == deadline_ms]
        name = f"in time of {number(deadline_ms)} ms"
        series.append(Series(name, marks, colour, line="-", label=name))
    return series


def in_time(point: LoadPoint, one: InTime) -> Mark:
    """The share of answers within one deadline at one load."""
    title = (
        f"{point.kind}, {point.verdict}: {share(one.in_time_share)} [{share(one.low_share)}, {share(one.high_share)}] "
        f"within {number(one.deadline_ms)} ms at {number(point.offered_per_s)} requests/s"
    )
    return Mark(point.load_share, one.in_time_share, title, one.low_share, one.high_share)


def processors(points: Sequence[LoadPoint]) -> list[Series]:
    """The share of its cores that the server uses, where it is known."""
    shown = [
        Mark(
            point.load_share,
            point.cpu_share,
            f"{point.kind}: CPU {share(point.cpu_share)} of {number(point.cores)} core(s), "
            f"{known(point, 'core_s_per_inference')} core-seconds per inference",
        )
        for point in points
        if point.cpu_share is not None
    ]
    return [Series("CPU use", shown, GREY, "square", line=":", label="CPU use")] if shown else []


def explosion_in_words(points: Sequence[LoadPoint], first: LoadPoint | None) -> str:
    """The `first` load at which the queue explodes, and the loads at which this is unknown."""
    if first is None:
        text = f"The queue did not explode up to {share(points[-1].load_share)} of the maximum"
    else:
        slope = between(first.slope, first.low_slope, first.high_slope)
        text = (
            f"The queue explodes at {share(first.load_share)} of the maximum: there the latency grows by {slope} s "
            "per second"
        )
    unknown_at = [
        f"{share(point.load_share)} ({point.reasons['exploding']})" for point in points if point.exploding is None
    ]
    return f"{text}; unknown at {', '.join(unknown_at)}." if unknown_at else f"{text}."


def batching_in_words(point: DynamicBatching) -> str:
    """The best dynamic batching, the capacities with it and without it, and whether it is published."""
    found, without = (
        between(one.requests_per_s, one.low_requests_per_s, one.high_requests_per_s)
        for one in (point.capacity, point.without)
    )
    state = "on" if point.on else "off, as its capacity is not surely higher"
    return (
        f"Dynamic batching is {state}. The best of {len(point.tried)} candidates ({point.best}) has {found} requests/s "
        f"within {number(point.deadline_ms)} ms, and no batching {without} requests/s ({point.verdict})."
    )


def capacity_row(point: Capacity) -> tuple[str, ...]:
    """The highest rate in time; the brackets hold tried rates and no confidence interval."""
    ends = point.low_requests_per_s, point.high_requests_per_s
    of_maximum = point.max_throughput_share
    return (
        f"{number(point.cores)} × {point.instances}",
        f"{number(point.deadline_ms)} ms",
        share(point.quantile),
        between(point.requests_per_s, *ends),
        "unknown" if of_maximum is None else share(of_maximum),
        point.verdict,
    )
