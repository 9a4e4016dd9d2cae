"""Throughput over concurrency, raw and with the machine's drift divided out, and the maximum that was settled."""

from collections.abc import Sequence
from itertools import cycle

from porting.repository.figures import why_absent
from porting.repository.report.curves.canvas import COLOURS, Canvas, Mark, doublings
from porting.repository.report.curves.section import Section, absent
from porting.repository.report.curves.series import Note
from porting.repository.report.curves.words import between
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput, ThroughputPoint

TITLE = "Throughput over concurrency"
LEGEND = "Filled: drift-corrected; hollow: raw; both with 95 % intervals. A star is a maximum, measured once more."
# Raw points stand beside the corrected ones instead of under them.
ASIDE = 1.07


def throughput(profile: Profile, name: str) -> Section:
    """A series for each batch, on the target's own resources."""
    points, maxima = profile.own(profile.throughput), profile.own(profile.max_throughput)
    if not points and not maxima:
        return absent(TITLE, profile, ThroughputPoint, "throughput")
    canvas = Canvas(name)
    (panel,) = canvas.panels
    batches = sorted({point.batch for point in (*points, *maxima)})
    for batch, colour in zip(batches, cycle(COLOURS), strict=False):
        draw_sweep(canvas, colour, [point for point in points if point.batch == batch])
        for best in maxima:
            if best.batch == batch:
                draw_maximum(canvas, colour, best)
    doublings(panel.x)
    panel.x.margin, panel.y.margin, panel.y.low = 0.12, 0.2, 0.0
    panel.x.label, panel.y.label = "concurrency, callers", "images/s"
    if maxima:
        notes = [in_words(best) for best in maxima]
    else:
        notes = [f"No maximum: {why_absent(profile, MaximalThroughput, 'throughput')}."]
    return Section(TITLE, [LEGEND, *notes], canvas.svg(TITLE))


def draw_sweep(canvas: Canvas, colour: str, points: Sequence[ThroughputPoint]) -> None:
    """One batch over its concurrencies."""
    if not points:
        return
    (panel,), batch = canvas.panels, points[0].batch
    ordered = sorted(points, key=lambda point: point.concurrency)
    shown = [raw(point, ASIDE) for point in ordered]
    canvas.marks(panel, f"raw-batch-{batch}", shown, colour=colour, hollow=True)
    shown = [corrected(point) for point in ordered]
    canvas.marks(panel, f"corrected-batch-{batch}", shown, colour=colour, line="-", label=f"batch {batch}")


def draw_maximum(canvas: Canvas, colour: str, best: MaximalThroughput) -> None:
    """A star with its verdict."""
    (panel,), mark = canvas.panels, corrected(best)
    canvas.marks(panel, f"maximum-batch-{best.batch}", [mark], colour=colour, marker="star", size=7)
    panel.notes.append(Note(mark.x, mark.high or mark.y, best.verdict, colour))


def corrected(point: ThroughputPoint) -> Mark:
    value, low, high = (
        point.corrected_images_per_s,
        point.corrected_low_images_per_s,
        point.corrected_high_images_per_s,
    )
    return Mark(point.concurrency, value, f"{place(point)} {corrected_text(point)}, corrected", low, high)


def raw(point: ThroughputPoint, aside: float) -> Mark:
    ends = point.low_images_per_s, point.high_images_per_s
    return Mark(point.concurrency * aside, point.images_per_s, f"{place(point)} {raw_text(point)}, raw", *ends)


def place(point: ThroughputPoint) -> str:
    return f"{point.kind}, batch {point.batch} × {point.concurrency} callers, {point.verdict}:"


def corrected_text(point: ThroughputPoint) -> str:
    ends = point.corrected_low_images_per_s, point.corrected_high_images_per_s
    return f"{between(point.corrected_images_per_s, *ends)} images/s"


def raw_text(point: ThroughputPoint) -> str:
    return f"{between(point.images_per_s, point.low_images_per_s, point.high_images_per_s)} images/s"


def in_words(best: MaximalThroughput) -> str:
    """The maximum of a batch with its verdict."""
    return (
        f"Batch {best.batch} × {best.concurrency} callers, {best.verdict}: {corrected_text(best)} corrected, "
        f"{raw_text(best)} raw ({best.verdict_reason})."
    )
