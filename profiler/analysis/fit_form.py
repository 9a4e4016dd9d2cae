"""The fit of one form to points, or the reason why these points do not identify it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from profiler.analysis.least_squares import Solution, condition_number, solve
from profiler.common.errors import BadInputError
from profiler.records.base import unknown
from profiler.records.fit import Coefficient, Conditions, Excess, Fit, Range, Refusal, Residual
from profiler.records.form import FORMS, Form, FormName

# At this condition number a change of the points by 0.1 % can change a coefficient by 100 %.
WORST_CONDITION = 1000.0
CONSTANT = "all points have the same value, so no variance can be explained"


@dataclass(frozen=True)
class Sample:
    """One measured value, warm or of the warm-up, at these values of the form's variables."""

    at: Mapping[str, float]
    value: float


def fit_form(
    name: FormName,
    quantity: str,
    conditions: Conditions,
    points: Sequence[Sample],
    warm_up: Sequence[Sample] = (),
) -> Fit | Refusal:
    """The form fitted to warm points by least squares of relative residuals; `warm_up` points are compared only.

    It is refused where the points do not identify it. Each variable needs one distinct value more than the form has
    powers of it, as a fit without a spare value cannot fail (two core counts fit any line). There must be one place
    more than coefficients, and the terms must differ on these places, by their condition number. Raises
    `BadInputError` for a value that is not positive.
    """
    form = FORMS[name]
    if bad := [point for point in points if not point.value > 0]:
        raise BadInputError(f"{quantity} is {bad[0].value:g} at {dict(bad[0].at)}: every point must be positive")
    if reason := why_refused(form, points):
        return Refusal(form=name, quantity=quantity, conditions=conditions, n=len(points), reason=reason)
    values = np.array([point.value for point in points])
    solution = solve(design(form, points), values)
    fitted = design(form, points) @ solution.coefficients
    r2, adjusted_r2 = determination(values, fitted, len(form.terms))
    return Fit(
        form=name,
        formula=form.formula,
        quantity=quantity,
        unit=form.unit,
        conditions=conditions,
        coefficients=coefficients(form, solution),
        domain=domain(form, points),
        n=len(points),
        r2=r2,
        adjusted_r2=adjusted_r2,
        median_relative_residual=float(np.median(np.abs(values - fitted) / values)),
        residuals=tuple(residual(point, float(value)) for point, value in zip(points, fitted, strict=True)),
        warm_up=tuple(excess_of(form, solution, domain(form, points), point) for point in warm_up),
        reasons={"r2": CONSTANT, "adjusted_r2": CONSTANT} if r2 is None else {},
    )


def why_refused(form: Form, points: Sequence[Sample]) -> str:
    """The reason why the points do not identify the form, empty where they do."""
    for variable, needed in form.fewest_values.items():
        found = len({point.at[variable] for point in points})
        if found < needed:
            return f"{found} distinct value(s) of {variable}, and at least {needed} are needed to test {form.formula}"
    places = {tuple(point.at[variable] for variable in form.fewest_values) for point in points}
    if len(places) <= len(form.terms):
        return f"{len(places)} distinct points, and more than {len(form.terms)} are needed for as many coefficients"
    condition = condition_number(design(form, points), np.array([point.value for point in points]))
    if condition > WORST_CONDITION:
        return f"the terms are too alike on these points: condition number {condition:.3g}, over {WORST_CONDITION:g}"
    return ""


def design(form: Form, points: Sequence[Sample]) -> np.ndarray:
    """The value of every term at every point, (points, terms)."""
    return np.array([[term.of(point.at) for term in form.terms.values()] for point in points])


def domain(form: Form, points: Sequence[Sample]) -> dict[str, Range]:
    """The fitted values of each variable, by name."""
    return {name: Range(values=tuple(sorted({point.at[name] for point in points}))) for name in form.fewest_values}


def coefficients(form: Form, solution: Solution) -> dict[str, Coefficient]:
    """The coefficients by name, with their intervals."""
    columns = zip(
        form.terms.items(), solution.coefficients, solution.standard_errors, solution.half_widths, strict=True
    )
    return {
        name: Coefficient(value=value, standard_error=error, low=value - half, high=value + half, unit=term.unit)
        for (name, term), value, error, half in columns
    }


def determination(values: np.ndarray, fitted: np.ndarray, terms: int) -> tuple[float | None, float | None]:
    """R² and R² adjusted for the number of terms; `None` where the values do not vary."""
    total = float(np.sum((values - values.mean()) ** 2))
    if total == 0:
        return None, None
    unexplained = float(np.sum((values - fitted) ** 2)) / total
    return 1 - unexplained, 1 - unexplained * (len(values) - 1) / (len(values) - terms)


def residual(point: Sample, fitted: float) -> Residual:
    """The residual of one fitted point."""
    error = point.value - fitted
    relative = error / point.value
    return Residual(at=dict(point.at), measured=point.value, fitted=fitted, residual=error, relative_residual=relative)


def excess_of(form: Form, solution: Solution, ranges: Mapping[str, Range], point: Sample) -> Excess:
    """The excess of a warm-up point over the fit, unknown outside of the fitted range."""
    if any(not ranges[name].low <= point.at[name] <= ranges[name].high for name in ranges):
        figures: dict[str, float | None] = dict.fromkeys(("fitted", "excess", "relative_excess"))
    else:
        fitted = float((design(form, [point]) @ solution.coefficients)[0])
        excess = point.value - fitted
        figures = {"fitted": fitted, "excess": excess, "relative_excess": excess / fitted}
    reasons = unknown(figures, "it lies outside of the fitted range")
    return Excess(at=dict(point.at), measured=point.value, reasons=reasons, **figures)
