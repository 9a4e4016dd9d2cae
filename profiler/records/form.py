"""The forms that published planners read: sums of powers of batch and cores, and of the pixels of an input."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FormName = Literal[
    "linear in batch", "degree 2 in batch", "batch and cores", "linear in cores",
    "linear in batch and pixels", "memory in batch and pixels",
]  # fmt: skip
Unit = Literal["ms", "images/s", "bytes"]


@dataclass(frozen=True)
class Term:
    """The unit of a coefficient, and the power of each variable that it multiplies."""

    unit: str
    powers: Mapping[str, int]

    def of(self, at: Mapping[str, float]) -> float:
        """The product of the variables' powers."""
        return math.prod(at[variable] ** power for variable, power in self.powers.items())


@dataclass(frozen=True)
class Form:
    """A formula as text, its terms by coefficient, and the unit of its value."""

    formula: str
    unit: Unit
    terms: Mapping[str, Term]

    @property
    def fewest_values(self) -> dict[str, int]:
        """The least number of values of each variable: one more than the form has powers, so that the fit can fail."""
        variables = sorted({variable for term in self.terms.values() for variable in term.powers})
        return {
            variable: len({term.powers.get(variable, 0) for term in self.terms.values()}) + 1 for variable in variables
        }


FORMS: dict[FormName, Form] = {
    "linear in batch": Form(
        "slope · batch + intercept",
        "ms",
        {"slope": Term("ms/image", {"batch": 1}), "intercept": Term("ms", {})},
    ),
    "degree 2 in batch": Form(
        "alpha · batch² + beta · batch + gamma",
        "ms",
        {
            "alpha": Term("ms/image²", {"batch": 2}),
            "beta": Term("ms/image", {"batch": 1}),
            "gamma": Term("ms", {}),
        },
    ),
    "batch and cores": Form(
        "gamma · batch / cores + delta · batch + epsilon / cores + eta",
        "ms",
        {
            "gamma": Term("ms · cores/image", {"batch": 1, "cores": -1}),
            "delta": Term("ms/image", {"batch": 1}),
            "epsilon": Term("ms · cores", {"cores": -1}),
            "eta": Term("ms", {}),
        },
    ),
    "linear in batch and pixels": Form(
        "slope · batch · pixels + intercept",
        "ms",
        {"slope": Term("ms/pixel", {"batch": 1, "pixels": 1}), "intercept": Term("ms", {})},
    ),
    "memory in batch and pixels": Form(
        "slope · batch · pixels + intercept",
        "bytes",
        {"slope": Term("bytes/pixel", {"batch": 1, "pixels": 1}), "intercept": Term("bytes", {})},
    ),
    "linear in cores": Form(
        "slope · cores + intercept",
        "images/s",
        {"slope": Term("images/s/core", {"cores": 1}), "intercept": Term("images/s", {})},
    ),
}
