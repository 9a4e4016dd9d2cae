"""A fit over the batch: its line within its domain, its residuals, and its formula with numbers in it."""

import re
from typing import Any, Literal

import numpy as np

from porting.repository.report.drawing import GREY, Mark, Series
from porting.repository.report.words import number
from profiler.records.base import Point
from profiler.records.fit import Fit
from profiler.records.form import FormName

# The style of the line, and whether its residuals are hollow.
FORMS: dict[FormName, tuple[Literal["-", "--"], bool]] = {
    "linear in batch": ("-", False),
    "degree 2 in batch": ("--", True),
}
STEPS = 13


def belongs(conditions: dict[str, Any], point: Point) -> bool:
    """Whether a point was measured under these conditions."""
    place = point.model_dump(mode="json", include=set(point.identity))
    return all(place.get(name) == value for name, value in conditions.items())


def fitted_line(fit: Fit) -> Series:
    """The fit between the smallest and the largest fitted batch."""
    batches = np.geomspace(fit.domain["batch"].low, fit.domain["batch"].high, STEPS)
    line = [Mark(float(batch), fit.at(batch=float(batch))) for batch in batches]
    return Series(f"fit {fit.form}", line, GREY, marker="", line=FORMS[fit.form][0], label=fit.form)


def residuals(fit: Fit) -> Series:
    """What each point is off, as a share of the fitted value."""
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
    """The formula with its coefficients, how well it fits, and where it holds."""
    numbers = {name: number(coefficient.value) for name, coefficient in fit.coefficients.items()}
    formula = re.sub(r"[a-z]+", lambda word: numbers.get(word.group(), word.group()), fit.formula)
    ranges = ", ".join(f"{name} {ends.low:g} to {ends.high:g}" for name, ends in fit.domain.items())
    r2 = f"unknown ({fit.reasons['r2']})" if fit.r2 is None else f"{fit.r2:.5f}"
    return (
        f"Fit {fit.form} (predicted): {fit.quantity} = {formula.replace('+ -', '− ')} {fit.unit}; R² {r2}, "
        f"median relative residual {fit.median_relative_residual:.1%}, n {fit.n}; {ranges}."
    )
