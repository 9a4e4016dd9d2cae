"""A fit over the batch as a line within its domain, its residuals below, and its formula with numbers in it."""

import re
from typing import Any

import numpy as np

from porting.repository.report.curves.canvas import GREY, Canvas, Mark
from porting.repository.report.curves.series import Rule
from porting.repository.report.curves.words import number, share
from profiler.records.base import Point
from profiler.records.fit import Fit
from profiler.records.form import FormName

# Name of the series, style of the line, whether its residuals are hollow.
FORMS: dict[FormName, tuple[str, str, bool]] = {
    "linear in batch": ("linear", "-", False),
    "degree 2 in batch": ("degree-2", "--", True),
}
STEPS = 13


def belongs(conditions: dict[str, Any], point: Point) -> bool:
    """Whether a point was measured under these conditions."""
    place = point.model_dump(mode="json", include=set(point.identity))
    return all(place.get(name) == value for name, value in conditions.items())


def draw_fit(canvas: Canvas, fit: Fit) -> None:
    """The line between the smallest and the largest fitted batch, and what each point is off."""
    series, style, hollow = FORMS[fit.form]
    above, below = canvas.panels
    batches = np.geomspace(fit.domain["batch"].low, fit.domain["batch"].high, STEPS)
    line = [Mark(float(batch), fit.at(batch=float(batch)), "") for batch in batches]
    canvas.marks(above, f"fit-{series}", line, colour=GREY, marker="", line=style, width=1, label=fit.form)
    shown = [
        Mark(
            one.at["batch"],
            one.relative_residual,
            f"{fit.form}, batch {one.at['batch']:g}: measured {number(one.measured)}, fitted {number(one.fitted)} "
            f"{fit.unit}, {one.relative_residual:+.1%}",
        )
        for one in fit.residuals
    ]
    canvas.marks(below, f"residual-{series}", shown, colour=GREY, hollow=hollow)
    below.rules.append(Rule(0.0, GREY, upright=False))
    below.y.form, below.y.label = share, "residual"


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
