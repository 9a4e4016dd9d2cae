"""The throughput of a variant over concurrency, over cores, and beside another model (thesis, table 5.1)."""

from collections.abc import Iterable
from itertools import cycle
from statistics import median

from porting.repository.figures import RATE, why_absent
from porting.repository.report.latency import fit_in_words
from porting.repository.report.section import COLOURS, Axis, Drawing, Mark, Note, Panel, Section, Series, Table, absent
from porting.repository.report.words import between, figure, number, share
from profiler.analysis.comparison import speed_ups
from profiler.records.profile import Profile
from profiler.records.throughput import Contention, MaximalThroughput, ThroughputPoint

OVER_CONCURRENCY = "Throughput over concurrency"
SPEED_UP, CONTENTION = "Speed-up by cores", "Throughput beside another model"
LEGEND = "As delivered, with 95 % intervals that contain the machine's drift. A star is a maximum over all visits."
FORMS = ("batch and cores", "linear in cores")


def throughput(profile: Profile) -> Section:
    """The throughput on the target's own resources, with one series for each batch."""
    points, maxima = profile.own(profile.throughput), profile.own(profile.max_throughput)
    if not points and not maxima:
        return absent(OVER_CONCURRENCY, profile, ThroughputPoint, "throughput")
    series, notes = list[Series](), list[Note]()
    batches = sorted({point.batch for point in (*points, *maxima)})
    for batch, colour in zip(batches, cycle(COLOURS), strict=False):
        ordered = sorted((point for point in points if point.batch == batch), key=lambda point: point.concurrency)
        if ordered:
            series.append(Series(f"batch {batch}", [*map(mark, ordered)], colour, line="-", label=f"batch {batch}"))
        for best in (one for one in maxima if one.batch == batch):
            star = mark(best)
            series.append(Series(f"maximum batch {batch}", [star], colour, "star", 7.0))
            notes.append(Note(star.x, star.high or star.y, best.verdict, colour))
    texts = [maximum_in_words(best) for best in maxima]
    texts = texts or [f"No maximum: {why_absent(profile, MaximalThroughput, 'throughput')}."]
    panel = Panel(Axis("concurrency, callers", "doublings"), Axis("images/s", low=0.0), series, notes=notes)
    return Section(OVER_CONCURRENCY, [LEGEND, *texts], Drawing([panel]))


def mark(point: ThroughputPoint) -> Mark:
    """The throughput of a point, with its interval."""
    value, *ends = (getattr(point, name) for name in RATE)
    place = f"{point.kind}, batch {point.batch} × {point.concurrency} callers, {point.verdict}"
    return Mark(point.concurrency, value, f"{place}: {rate(point)}", *ends)


def rate(point: ThroughputPoint) -> str:
    """The throughput with its interval, as a text."""
    return f"{between(*(getattr(point, name) for name in RATE))} images/s"


def maximum_in_words(best: MaximalThroughput) -> str:
    """The maximum of a batch with its verdict, and what other processes used meanwhile."""
    others = best.noise.others_share
    load = "unknown" if others is None else share(others)
    return (
        f"Batch {best.batch} × {best.concurrency} callers, {best.visits} visits, {best.verdict}: {rate(best)} "
        f"({best.verdict_reason}; other processes used {load} of the cores)."
    )


def by_cores(profile: Profile) -> Section:
    """The maximal throughput relative to one core, batch by batch, and the fits over cores."""
    fits = [fit_in_words(fit) for fit in profile.fits if fit.form in FORMS]
    refused = [f"No fit {one.form}: {one.reason}." for one in profile.refused_fits if one.form in FORMS]
    fits += dict.fromkeys(refused)
    found = speed_ups(profile.max_throughput)
    if not found:
        return absent(SPEED_UP, profile, MaximalThroughput, "scaling", *fits)
    note = "Ratios of throughputs relative to the reference; min and max combine the opposite ends of both intervals."
    columns = ("cores against 1", "batch", "instances", "speed-up", "min", "max")
    rows = [
        (number(one.cores), str(one.batch), str(one.instances), number(one.ratio), figure(one.low), figure(one.high))
        for one in found
    ]
    return Section(SPEED_UP, [note, *fits], table=Table(columns, rows))


def contention(profile: Profile) -> Section:
    """The share of the throughput that remains beside another model at shares of that model's own maximum."""
    if not profile.contention:
        return absent(CONTENTION, profile, Contention, "contention")
    columns = (
        "beside",
        "load of the other model",
        "batch",
        "factor [95 %]",
        "images/s alone",
        "images/s beside it",
        "verdict",
    )
    rows = [
        (
            one.beside,
            share(one.share),
            str(one.batch),
            between(one.factor, one.factor_low, one.factor_high),
            number(one.alone_images_per_s),
            number(one.images_per_s),
            one.verdict,
        )
        for one in profile.contention
    ]
    return Section(CONTENTION, [], table=Table(columns, rows))


def over_variants(profiles: Iterable[Profile]) -> Table:
    """The same factors over all variants of a target: median, minimum, maximum, and number of points."""
    factors: dict[str, list[float]] = {}
    for profile in profiles:
        for up in speed_ups(profile.max_throughput):
            factors.setdefault(f"throughput on {number(up.cores)} cores against 1", []).append(up.ratio)
        for beside in profile.contention:
            factors.setdefault(f"throughput beside a load of {share(beside.share)}", []).append(beside.factor)
    rows = [
        (name, number(median(values)), number(min(values)), number(max(values)), str(len(values)))
        for name, values in sorted(factors.items())
    ]
    return Table(("factor", "median", "min", "max", "points"), rows)
