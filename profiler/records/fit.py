"""Fits to tables of measured points, which predict values between them, and the reasons for refused fits."""

from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from profiler.common.errors import BadInputError
from profiler.records.base import Record
from profiler.records.form import FORMS, FormName, Unit

Conditions = dict[str, JsonValue]


class Coefficient(Record):
    """A fitted number with its standard error and 95 % interval (Student)."""

    value: float
    standard_error: float = Field(ge=0)
    low: float
    high: float
    unit: str


class Range(Record):
    """The values of one variable in the fitted points, in ascending order."""

    values: tuple[float, ...] = Field(min_length=1)

    @property
    def low(self) -> float:
        """The least value."""
        return self.values[0]

    @property
    def high(self) -> float:
        """The greatest value."""
        return self.values[-1]


class Residual(Record):
    """One fitted point; `residual` is measured − fitted, `relative_residual` is that over the measured value."""

    at: dict[str, float]
    measured: float
    fitted: float
    residual: float
    relative_residual: float


class Excess(Record):
    """A warm-up point, which no fit includes: its excess over the fitted value, absolute and relative."""

    at: dict[str, float]
    measured: float
    fitted: float | None
    excess: float | None
    relative_excess: float | None


class Fit(Record):
    """A form fitted to warm points that were measured under equal `conditions`; the points stay authoritative."""

    kind: Literal["predicted"] = "predicted"
    form: FormName
    formula: str
    quantity: str
    unit: Unit
    conditions: Conditions
    coefficients: dict[str, Coefficient]
    domain: dict[str, Range]
    n: int = Field(ge=1)
    r2: float | None = Field(le=1)
    adjusted_r2: float | None = Field(le=1)
    median_relative_residual: float = Field(ge=0)
    residuals: tuple[Residual, ...]
    warm_up: tuple[Excess, ...]

    @model_validator(mode="after")
    def everything_that_the_form_has(self) -> Self:
        """The fit itself; raises `ValueError` where coefficients, variables or residuals do not match the form."""
        form = FORMS[self.form]
        if list(self.coefficients) != list(form.terms) or list(self.domain) != list(form.fewest_values):
            raise ValueError(f"form {self.form!r} is {form.formula}: it has other coefficients or variables")
        if self.n != len(self.residuals):
            raise ValueError(f"{self.n} points and {len(self.residuals)} residuals")
        return self

    def at(self, **at: float) -> float:
        """The predicted value, for example `at(batch=8)`; raises `BadInputError` outside the domain."""
        if at.keys() != self.domain.keys():
            raise BadInputError(f"a fit {self.form!r} takes {', '.join(self.domain)}, not {', '.join(at)}")
        for name, value in at.items():
            low, high = self.domain[name].low, self.domain[name].high
            if not low <= value <= high:
                raise BadInputError(
                    f"{name}={value:g} lies outside of the fitted range, {low:g} to {high:g}: measure it, or stay in it"
                )
        return sum(self.coefficients[name].value * term.of(at) for name, term in FORMS[self.form].terms.items())


class Refusal(Record):
    """A form that the points under these conditions do not identify, with the reason."""

    form: FormName
    quantity: str
    conditions: Conditions
    n: int = Field(ge=0)
    reason: str
