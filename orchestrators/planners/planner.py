"""The form of a planner, and its lookup by name."""

import importlib
from typing import Any, Protocol, cast

from orchestrators.planners.common import PlanBase
from porting.repository import Repository
from profiler.common.errors import BadInputError

ENTRY = "from_repository"


class Planner(Protocol):
    """A module whose `from_repository` reads a problem from metadata alone and whose pure `solve` plans for it.

    `solve` raises `Infeasible` where no plan meets every constraint.
    """

    def from_repository(self, repository: Repository, /, **settings: Any) -> Any:
        """The problem as the repository describes it; raises `BadInputError` for a missing figure."""

    def solve(self, problem: Any, /) -> PlanBase:
        """The plan for the problem."""


def located(target: str) -> Planner:
    """The planner whose `from_repository` has this dotted path; raises `BadInputError` for any other object."""
    name, _, entry = target.rpartition(".")
    if entry != ENTRY:
        raise BadInputError(f"_target_ {target!r} names no planner: give the path of its {ENTRY}, as {name}.{ENTRY}")
    module = importlib.import_module(name)
    if missing := [one for one in (ENTRY, "solve") if not callable(vars(module).get(one))]:
        raise BadInputError(f"{name} is no planner, as it has no {missing[0]}: a planner's module holds {ENTRY} and "
                            "solve(problem)")  # fmt: skip
    return cast("Planner", module)


def checked(plan: object, target: str) -> PlanBase:
    """The plan that the planner of this path returned; raises `BadInputError` for any other object."""
    if not isinstance(plan, PlanBase):
        name = target.rpartition(".")[0]
        raise BadInputError(
            f"{name}.solve answers with {type(plan).__name__}, which is no plan: derive it from "
            f"{PlanBase.__module__}.{PlanBase.__name__}"
        )
    return plan
