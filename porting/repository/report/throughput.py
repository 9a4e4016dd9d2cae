"""Throughput over concurrency, raw and with the machine's drift divided out, and the maximum that was settled."""

from collections.abc import Sequence
from itertools import cycle

from porting.repository.figures import why_absent
from porting.repository.report.drawing import COLOURS, Axis, Drawing, Mark, Note, Panel, Series
from porting.repository.report.section import Section, absent
from porting.repository.report.words import between
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput, ThroughputPoint

TITLE = "Throughput over concurrency"
LEGEND = "Filled: drift-corrected; hollow: raw; both with 95 % intervals. A star is a maximum, measured once more."
# Raw points stand beside the corrected ones instead of under them.
ASIDE = 1.07


def throughput(profile: Profile) -> Section:
    """A series for each batch, on the target's own resources."""
    points, maxima = profile.own(profile.throughput), profile.own(profile.max_throughput)
    if not points and not maxima:
        return absent(TITLE, profile, ThroughputPoint, "throughput")
    series, notes = list[Series](), list[Note]()
    batches = sorted({point.batch for point in (*points, *maxima)})
    for batch, colour in zip(batches, cycle(COLOURS), strict=False):
        best = [one for one in maxima if one.batch == batch]
        series += sweep([point for point in points if point.batch == batch], colour)
        series += [Series(f"maximum batch {batch}", [corrected(one)], colour, "star", 7.0) for one in best]
        notes += [verdict(one, colour) for one in best]
    callers, rate = Axis("concurrency, callers", "doublings"), Axis("images/s", low=0.0)
    if maxima:
        words = [in_words(best) for best in maxima]
    else:
        words = [f"No maximum: {why_absent(profile, MaximalThroughput, 'throughput')}."]
    return Section(TITLE, [LEGEND, *words], Drawing([Panel(callers, rate, series, notes=notes)]))


def sweep(points: Sequence[ThroughputPoint], colour: str) -> list[Series]:
    """One batch over its concurrencies."""
    if not points:
        return []
    batch, ordered = points[0].batch, sorted(points, key=lambda point: point.concurrency)
    return [
        Series(f"raw batch {batch}", [raw(point, ASIDE) for point in ordered], colour, hollow=True),
        Series(f"corrected batch {batch}", [*map(corrected, ordered)], colour, line="-", label=f"batch {batch}"),
    ]


def verdict(best: MaximalThroughput, colour: str) -> Note:
    """The verdict of a maximum, above its star."""
    mark = corrected(best)
    return Note(mark.x, mark.high or mark.y, best.verdict, colour)


def corrected(point: ThroughputPoint) -> Mark:
    """The drift-corrected throughput of a point, with its interval."""
    value, low, high = (
        point.images_per_s,
        point.low_images_per_s,
        point.high_images_per_s,
    )
    return Mark(point.concurrency, value, f"{place(point)} {corrected_text(point)}, corrected", low, high)


def raw(point: ThroughputPoint, aside: float) -> Mark:
    """The raw throughput of a point, a little beside the corrected one."""
    ends = point.low_images_per_s, point.high_images_per_s
    return Mark(point.concurrency * aside, point.images_per_s, f"{place(point)} {raw_text(point)}, raw", *ends)


def place(point: ThroughputPoint) -> str:
    """The place of a point and its verdict, for the pointer."""
    return f"{point.kind}, batch {point.batch} × {point.concurrency} callers, {point.verdict}:"


def corrected_text(point: ThroughputPoint) -> str:
    """The corrected throughput with its interval, as a text."""
    ends = point.low_images_per_s, point.high_images_per_s
    return f"{between(point.images_per_s, *ends)} images/s"


def raw_text(point: ThroughputPoint) -> str:
    """The raw throughput with its interval, as a text."""
    return f"{between(point.images_per_s, point.low_images_per_s, point.high_images_per_s)} images/s"


def in_words(best: MaximalThroughput) -> str:
    """The maximum of a batch with its verdict."""
    return (
        f"Batch {best.batch} × {best.concurrency} callers, {best.verdict}: {corrected_text(best)} corrected, "
        f"{raw_text(best)} raw ({best.verdict_reason})."
    )
