"""What a planner needs of a repository and only the user can choose: a task, a target, a variant."""

import inspect

from porting.configuration.components import Component, locate, replaced
from porting.repository import Repository
from porting.repository.reader import listed
from profiler.common.errors import BadInputError

# The keys of `conf/plan.yaml` that the planners' configs refer to.
KEYS = {"task": "task", "target": "target_name"}


def check_chosen(planner: str, component: Component, repository: Repository) -> None:
    """Raises `BadInputError` with the choices for the first of these that the planner needs and that has no value."""
    choices = {"task": repository.tasks, "target": repository.targets, "variant": list(repository.by_name)}
    for name in needed_and_null(component):
        if name in choices:
            key = KEYS.get(name, f"planners.{planner}.{name}")
            raise BadInputError(f"{key} has no value: give one with {key}=NAME; choices are {listed(choices[name])}")


def needed_and_null(component: Component) -> list[str]:
    """The arguments without a default that the config leaves null, those of nested components too."""
    arguments, parameters = component.arguments(), inspect.signature(locate(component.target)).parameters
    own = [
        name
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and arguments.get(name, "") is None
    ]
    nested: list[Component] = []
    replaced(arguments, nested.append)
    return own + [name for one in nested for name in needed_and_null(one)]
