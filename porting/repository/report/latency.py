"""Latency over batch with its fits and their residuals; first inferences after a load stand apart."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

from porting.repository.report.drawing import COLOURS, GREY, RED, Axis, Drawing, Mark, Panel, Rule, Series
from porting.repository.report.fitted_line import FORMS, belongs, fit_in_words, fitted_line, residuals
from porting.repository.report.section import Section, absent
from porting.repository.report.words import between, known, number
from profiler.records.fit import Fit
from profiler.records.latency import LatencyPoint
from profiler.records.profile import Profile
from profiler.records.warm_up import FirstInference

TITLE = "Latency over batch"
LEGEND = "Median of warm, full batches, one at a time. Filled: drift-corrected; hollow: raw; both with 95 % intervals."
RESIDUALS = "Below: the relative residuals of the fits; filled: linear, hollow: of degree 2."
RESIDUALS_PX = 60


def latency(profile: Profile) -> Section:
    """The longest series over batches with what it foretells, and the other series beside it."""
    series = over_batch(profile.latency)
    if not series:
        return absent(TITLE, profile, LatencyPoint, "latency")
    main, *others = series
    fits = [fit for fit in profile.fits if fit.form in FORMS and belongs(fit.conditions, main[0])]
    refused = [one for one in profile.refused_fits if one.form in FORMS and belongs(one.conditions, main[0])]
    shown = [*measured(main), *beside(others), *first_inferences(profile.first_inference), *map(fitted_line, fits)]
    legend = [LEGEND, RESIDUALS] if fits else [LEGEND]
    notes = [*legend, *map(fit_in_words, fits), *(f"No fit {one.form}: {one.reason}." for one in refused)]
    return Section(TITLE, notes, Drawing(panels(shown, fits)))


def panels(shown: Sequence[Series], fits: Sequence[Fit]) -> list[Panel]:
    """The latencies, and below them the residuals where there are fits."""
    batch = Axis("batch", "doublings")
    found = [Panel(batch, Axis("ms", "decades"), shown)]
    if fits:
        below = Axis("residual", percent=True)
        found.append(Panel(batch, below, [*map(residuals, fits)], [Rule("y", 0.0, GREY, dashed=False)],
                           height_px=RESIDUALS_PX))  # fmt: skip
    return found


def over_batch(points: Sequence[LatencyPoint]) -> list[list[LatencyPoint]]:
    """Points of one caller that differ in their batch alone, the longest series first."""
    found: dict[tuple[Any, ...], list[LatencyPoint]] = {}
    for point in points:
        if point.concurrency == 1:
            place = tuple(value for name, value in point.at().items() if name != "batch")
            found.setdefault(place, []).append(point)
    series = [sorted(group, key=lambda point: point.batch) for group in found.values()]
    return sorted(series, key=len, reverse=True)


def measured(points: Sequence[LatencyPoint]) -> list[Series]:
    """The series that the fits are of, raw and corrected."""
    raws = [mark for point in points for mark in raw(point)]
    return [
        Series("raw", raws, COLOURS[0], hollow=True),
        Series("corrected", [corrected(point) for point in points], COLOURS[0], label=place(points[0])),
    ]


def beside(others: Sequence[Sequence[LatencyPoint]]) -> list[Series]:
    """Series with other resources, another runtime or another input."""
    return [
        Series(f"beside {rank}", [corrected(point) for point in points], colour, size=2.4, line=":",
               label=place(points[0]))
        for rank, (points, colour) in enumerate(zip(others, cycle(COLOURS[1:]), strict=False), start=1)
    ]  # fmt: skip


def corrected(point: LatencyPoint) -> Mark:
    """The drift-corrected median; the raw one or the mean, where that is all that is known."""
    value, low, high, what = point.p50_ms, point.p50_low_ms, point.p50_high_ms, "p50"
    if value is None:
        value, low, high, what = point.p50_ms, point.p50_low_ms, point.p50_high_ms, "p50, not corrected,"
    if value is None:
        value, low, high, what = point.mean_ms, None, None, "mean, not corrected,"
    title = (
        f"{point.kind}, batch {point.batch}: {what} {between(value, low, high)} ms; "
        f"raw p95 {known(point, 'p95_ms')}, p99 {known(point, 'p99_ms')}; n {point.n}"
    )
    return Mark(point.batch, value, title, low, high)


def raw(point: LatencyPoint) -> list[Mark]:
    """The median as the clock had it, where it is known."""
    value, low, high = point.p50_ms, point.p50_low_ms, point.p50_high_ms
    title = f"{point.kind}, batch {point.batch}: raw p50 {between(value, low, high)} ms; n {point.n}"
    return [] if value is None else [Mark(point.batch, value, title, low, high)]


def place(point: LatencyPoint) -> str:
    """What a series has of the machine, and its input."""
    shape = "×".join(map(str, point.input_shape))
    return (
        f"{point.runtime}: {number(point.cores)} core(s), {point.threads} thread(s) × {point.instances} instance(s), "
        f"{shape}"
    )


def first_inferences(points: Sequence[FirstInference]) -> list[Series]:
    """The first answers of fresh loads, from the quickest to the slowest of each batch."""
    shown = [
        Mark(
            point.batch,
            point.first_ms,
            f"{point.kind}, batch {point.batch}: first inference {number(point.first_ms)} ms after a fresh load, "
            f"{number(point.warm_ms)} ms once warm; n {point.n}",
            point.first_min_ms,
            point.first_max_ms,
        )
        for point in points
    ]
    return [Series("first", shown, RED, "cross", 4.2, label="first inference")] if shown else []
