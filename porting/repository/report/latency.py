"""The latency over the batch, with its fits and their residuals, and the first inferences after a load."""

import re
from collections.abc import Sequence
from itertools import cycle
from typing import Any, Literal

import numpy as np

from porting.repository.report.section import (
    COLOURS,
    GREY,
    RED,
    Axis,
    Drawing,
    Mark,
    Panel,
    Rule,
    Section,
    Series,
    absent,
)  # fmt: skip
from porting.repository.report.words import between, known, number
from profiler.records.base import Point
from profiler.records.fit import Fit
from profiler.records.form import FormName
from profiler.records.latency import LatencyPoint
from profiler.records.profile import Profile
from profiler.records.warm_up import FirstInference

TITLE = "Latency over batch"
LEGEND = "Median of warm, full batches, one at a time, with 95 % intervals that contain the machine's drift."
RESIDUALS = "Below: the relative residuals of the fits; filled: linear, hollow: of degree 2."
RESIDUALS_PX = 60
# The style of a fit's line, and whether its residuals are hollow.
FORMS: dict[FormName, tuple[Literal["-", "--"], bool]] = {
    "linear in batch": ("-", False),
    "degree 2 in batch": ("--", True),
}
STEPS = 13


def latency(profile: Profile) -> Section:
    """The longest series over batches with its fits, and the other series."""
    series = over_batch(profile.latency)
    if not series:
        return absent(TITLE, profile, LatencyPoint, "latency")
    main, *others = series
    fits = [fit for fit in profile.fits if fit.form in FORMS and applies(fit.conditions, main[0])]
    refused = [one for one in profile.refused_fits if one.form in FORMS and applies(one.conditions, main[0])]
    shown = [
        Series("median", [*map(median_mark, main)], COLOURS[0], label=place(main[0])),
        *(
            Series(f"other {rank}", [*map(median_mark, points)], colour, size=2.4, line=":", label=place(points[0]))
            for rank, (points, colour) in enumerate(zip(others, cycle(COLOURS[1:]), strict=False), start=1)
        ),
        *first_inferences(profile.first_inference),
        *map(fitted_line, fits),
    ]
    legend = [LEGEND, RESIDUALS] if fits else [LEGEND]
    notes = [*legend, *map(fit_in_words, fits), *(f"No fit {one.form}: {one.reason}." for one in refused)]
    batch = Axis("batch", "doublings")
    panels = [Panel(batch, Axis("ms", "decades"), shown)]
    if fits:
        zero, below = Rule("y", 0.0, GREY, dashed=False), Axis("residual", percent=True)
        panels.append(Panel(batch, below, [*map(residuals, fits)], [zero], height_px=RESIDUALS_PX))
    return Section(TITLE, notes, Drawing(panels))


def over_batch(points: Sequence[LatencyPoint]) -> list[list[LatencyPoint]]:
    """The points of one caller in groups that differ in their batch alone, the longest group first."""
    found: dict[tuple[Any, ...], list[LatencyPoint]] = {}
    for point in points:
        if point.concurrency == 1:
            others = tuple(value for name, value in point.at().items() if name != "batch")
            found.setdefault(others, []).append(point)
    series = [sorted(group, key=lambda point: point.batch) for group in found.values()]
    return sorted(series, key=len, reverse=True)


def median_mark(point: LatencyPoint) -> Mark:
    """The median, or the mean where it is unknown."""
    value, low, high, what = point.p50_ms, point.p50_low_ms, point.p50_high_ms, "p50"
    if value is None:
        value, low, high, what = point.mean_ms, None, None, "mean"
    title = (
        f"{point.kind}, batch {point.batch}: {what} {between(value, low, high)} ms; "
        f"p95 {known(point, 'p95_ms')}, p99 {known(point, 'p99_ms')}; n {point.n}"
    )
    return Mark(point.batch, value, title, low, high)


def place(point: LatencyPoint) -> str:
    """The runtime, the resources and the input shape of a series."""
    shape = "×".join(map(str, point.input_shape))
    return (
        f"{point.runtime}: {number(point.cores)} core(s), {point.threads} thread(s) × {point.instances} instance(s), "
        f"{shape}"
    )


def first_inferences(points: Sequence[FirstInference]) -> list[Series]:
    """The first answers of fresh loads, from the fastest to the slowest of each batch."""
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


def applies(conditions: dict[str, Any], point: Point) -> bool:
    """Whether a point was measured under the conditions of a fit."""
    identity = point.model_dump(mode="json", include=set(point.identity))
    return all(identity.get(name) == value for name, value in conditions.items())


def fitted_line(fit: Fit) -> Series:
    """The fit between the smallest and the largest fitted batch."""
    batches = np.geomspace(fit.domain["batch"].low, fit.domain["batch"].high, STEPS)
    line = [Mark(float(batch), fit.at(batch=float(batch))) for batch in batches]
    return Series(f"fit {fit.form}", line, GREY, marker="", line=FORMS[fit.form][0], label=fit.form)


def residuals(fit: Fit) -> Series:
    """The residual of each point, as a share of the fitted value."""
    shown = [
        Mark(
            one.at["batch"],
            one.relative_residual,
            f"{fit.form}, batch {one.at['batch']:g}: measured {number(one.measured)}, fitted {number(one.fitted)} "
            f"{fit.unit}, {one.relative_residual:+.1%}",
        )
        for one in fit.residuals
    ]
    return Series(f"residual {fit.form}", shown, GREY, hollow=FORMS[fit.form][1])


def fit_in_words(fit: Fit) -> str:
    """The formula with its coefficients, its quality, and its domain."""
    numbers = {name: number(coefficient.value) for name, coefficient in fit.coefficients.items()}
    formula = re.sub(r"[a-z]+", lambda word: numbers.get(word.group(), word.group()), fit.formula)
    ranges = ", ".join(f"{name} {ends.low:g} to {ends.high:g}" for name, ends in fit.domain.items())
    r2 = f"unknown ({fit.reasons['r2']})" if fit.r2 is None else f"{fit.r2:.5f}"
    return (
        f"Fit {fit.form} (predicted): {fit.quantity} = {formula.replace('+ -', '− ')} {fit.unit}; R² {r2}, "
        f"median relative residual {fit.median_relative_residual:.1%}, n {fit.n}; {ranges}."
    )
