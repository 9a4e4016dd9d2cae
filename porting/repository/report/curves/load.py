"""Share of answers in time over the offered load, what it takes of the processors, and where the queue explodes."""

from collections.abc import Sequence
from itertools import cycle

from porting.repository.figures import why_absent
from porting.repository.report.curves.canvas import COLOURS, GREY, Canvas, Mark
from porting.repository.report.curves.section import Section, Table
from porting.repository.report.curves.series import Note, Rule
from porting.repository.report.curves.words import between, known, number, share, why_unknown
from profiler.records.capacity import Capacity, InTime, LoadPoint
from profiler.records.profile import Profile

TITLE = "In time over offered load"
EXPLOSION = "#c62828"
LEGEND = (
    "Poisson arrivals, latency from the scheduled moment, 95 % intervals. CPU use is that of the server on its cores."
)
COLUMNS = ("cores × instances", "deadline", "in time", "requests/s, corrected", "raw", "of the maximum", "verdict")


def load(profile: Profile, name: str) -> Section:
    """The sweep over loads on the target's own resources, and the capacities by cores and deadline."""
    points = sorted(profile.own(profile.load), key=lambda point: point.load_share)
    table = Table(COLUMNS, [capacity_row(point) for point in profile.capacity]) if profile.capacity else None
    notes = [] if table else [f"No capacity: {why_absent(profile, Capacity, 'capacity')}."]
    notes += why_unknown(points, "cpu_share") + why_unknown(profile.capacity, "requests_per_s", "max_throughput_share")
    if not points:
        return Section(TITLE, [f"Not there: {why_absent(profile, LoadPoint, 'capacity')}.", *notes], table=table)
    canvas = Canvas(name)
    draw_shares(canvas, points)
    draw_processors(canvas, points)
    draw_explosion(canvas, points)
    (panel,) = canvas.panels
    panel.x.label, panel.y.label, panel.y.low = "offered load, share of the maximal throughput", "share", -0.03
    panel.x.form = panel.y.form = "{:.0%}".format
    return Section(TITLE, [LEGEND, explosion_in_words(points), *notes], canvas.svg(TITLE), table)


def draw_shares(canvas: Canvas, points: Sequence[LoadPoint]) -> None:
    """A series for each deadline."""
    (panel,) = canvas.panels
    deadlines = sorted({one.deadline_ms for point in points for one in point.in_time})
    for place, (deadline_ms, colour) in enumerate(zip(deadlines, cycle(COLOURS), strict=False), start=1):
        found = [(point, one) for point in points for one in point.in_time if one.deadline_ms == deadline_ms]
        shown = [
            Mark(point.load_share, one.in_time_share, in_time_text(point, one), one.low_share, one.high_share)
            for point, one in found
        ]
        label = f"in time of {number(deadline_ms)} ms"
        canvas.marks(panel, f"in-time-{place}", shown, colour=colour, line="-", label=label)


def in_time_text(point: LoadPoint, one: InTime) -> str:
    return (
        f"{point.kind}, {point.verdict}: {share(one.in_time_share)} [{share(one.low_share)}, {share(one.high_share)}] "
        f"within {number(one.deadline_ms)} ms at {number(point.offered_per_s)} requests/s"
    )


def draw_processors(canvas: Canvas, points: Sequence[LoadPoint]) -> None:
    (panel,) = canvas.panels
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
    if shown:
        canvas.marks(panel, "cpu", shown, colour=GREY, marker="square", line=":", label="CPU use")


def exploding(points: Sequence[LoadPoint]) -> LoadPoint | None:
    """The least load at which the queue grows without end."""
    return next((point for point in points if point.exploding), None)


def draw_explosion(canvas: Canvas, points: Sequence[LoadPoint]) -> None:
    (panel,), first = canvas.panels, exploding(points)
    if first is not None:
        name = f"{canvas.name}-explosion"
        panel.rules.append(Rule(first.load_share, EXPLOSION, upright=True, name=name, dashed=True))
        panel.notes.append(Note(first.load_share, 0.0, "queue explodes ", EXPLOSION, "end"))


def explosion_in_words(points: Sequence[LoadPoint]) -> str:
    """Where the queue explodes, and at which loads that is unknown."""
    first = exploding(points)
    if first is None:
        text = f"The queue was not seen to explode up to {share(points[-1].load_share)} of the maximum"
    else:
        text = (
            f"The queue explodes at {share(first.load_share)} of the maximum: there the latency grows by "
            f"{between(first.slope, first.low_slope, first.high_slope)} s a second"
        )
    unsure = [
        f"{share(point.load_share)} ({point.reasons['exploding']})" for point in points if point.exploding is None
    ]
    return f"{text}; unknown at {', '.join(unsure)}." if unsure else f"{text}."


def capacity_row(point: Capacity) -> tuple[str, ...]:
    """The highest rate in time; the bracket is of trials, not of confidence."""
    raw = point.requests_per_s, point.low_requests_per_s, point.high_requests_per_s
    ends = point.corrected_low_requests_per_s, point.corrected_high_requests_per_s
    of_maximum = point.max_throughput_share
    return (
        f"{number(point.cores)} × {point.instances}",
        f"{number(point.deadline_ms)} ms ({number(point.deadline_multiple)} ×)",
        share(point.quantile),
        between(point.corrected_requests_per_s, *ends),
        between(*raw),
        "unknown" if of_maximum is None else share(of_maximum),
        point.verdict,
    )
