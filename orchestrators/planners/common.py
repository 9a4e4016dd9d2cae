"""The parts that planners share: units, the base of plans, the check for unique names, and the form of a planner.

A planner is a module with two functions. `from_repository` reads a problem from metadata alone and raises
`BadInputError` for a missing figure. `solve` is pure, returns the plan for the problem, and raises `Infeasible` where
no plan meets every constraint.
"""

import importlib
import math
from collections import Counter
from collections.abc import Callable, Iterable
from operator import attrgetter
from types import ModuleType
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from orchestrators.deployment import Deployment
from profiler.common.errors import BadInputError
from profiler.records.base import Value

MS_PER_S, S_PER_HOUR = 1e3, 3600
# The share of a rate that needs no further server, because it may be rounding.
ROUNDING = 1e-9
ENTRY = "from_repository"
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(ge=0)]


class PlanBase(Value):
    """The base of every plan. A figure named `objective` is what the planner maximises or minimises."""

    @property
    def deployments(self) -> list[Deployment]:
        """The deployments of the plan; none for devices that stop when they are done."""
        return []


def unique(what: str, names: Iterable[str]) -> None:
    """Raises `ValueError` with the names that occur more than once."""
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise ValueError(f"{what} named twice: {', '.join(twice)}; give each a name of its own")


def each_once(what: str, name: Callable[[Any], str] = attrgetter("name")) -> AfterValidator:
    """The check of a field that no two of its values have one name."""

    def checked_names(values: Any) -> Any:
        unique(what, map(name, values))
        return values

    return AfterValidator(checked_names)


def servers(rate_rps: float, each_rps: float) -> int:
    """The number of servers that carry a rate, at least one for a rate above 0."""
    return math.ceil(rate_rps / each_rps * (1 - ROUNDING))


def located(target: str) -> ModuleType:
    """The planner whose `from_repository` has this dotted path; raises `BadInputError` for any other object."""
    name, _, entry = target.rpartition(".")
    if entry != ENTRY:
        raise BadInputError(f"_target_ {target!r} names no planner: give the path of its {ENTRY}, as {name}.{ENTRY}")
    module = importlib.import_module(name)
    if missing := [one for one in (ENTRY, "solve") if not callable(vars(module).get(one))]:
        raise BadInputError(f"{name} is no planner, as it has no {missing[0]}: a planner's module holds {ENTRY} and "
                            "solve(problem)")  # fmt: skip
    return module


def checked(plan: object, target: str) -> PlanBase:
    """The plan that the planner of this path returned; raises `BadInputError` for any other object."""
    if not isinstance(plan, PlanBase):
        name = target.rpartition(".")[0]
        raise BadInputError(
            f"{name}.solve returns a {type(plan).__name__}, which is no plan: derive it from "
            f"{PlanBase.__module__}.{PlanBase.__name__}"
        )
    return plan
