"""The parts of a config that `plan`, `simulate` and `orchestrate` share."""

import inspect
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ValidationError

from orchestrators.policies import Environment, Policy
from orchestrators.policies.policy import checked
from porting.common.messages import validation_message
from porting.configuration.components import Component, locate, parameters_of, replaced
from porting.repository import Repository
from porting.repository.reader import listed
from profiler.common.errors import BadInputError

Model = TypeVar("Model", bound=BaseModel)
# The keys of `conf/plan.yaml` that the configs of the planners refer to.
KEYS = {"task": "task", "target": "target_name"}


def repository_of(config: DictConfig) -> Repository:
    """The repository that the config names; a public key demands a signed one."""
    return Repository.load(config.repository, config.public_key and Path(config.public_key))


def complete_target_and_tasks(config: DictConfig, repository: Repository) -> None:
    """Fills in the only target and all tasks; raises `BadInputError` where there are several targets."""
    if config.target_name is None and len(repository.targets) != 1:
        choices = listed(repository.targets)
        raise BadInputError(f"target_name has no value: give one with target_name=NAME; choices are {choices}")
    config.target_name = config.target_name or repository.targets[0]
    if config.tasks is None:
        config.tasks = repository.tasks


def made(component: Component, environment: Environment) -> Policy:
    """The policy that a config names; raises `BadInputError` for wrong settings, and for other objects."""
    return checked(component.build(environment=environment), component.target)


def validated(config: DictConfig, model: type[Model]) -> Model:
    """The config as this model; raises `BadInputError` for the first invalid value."""
    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BadInputError(validation_message(error, model)) from error


def check_chosen(planner: str, component: Component, repository: Repository) -> None:
    """Raises `BadInputError`, with the choices, for a task, target or variant that the planner needs and lacks."""
    choices = {"task": repository.tasks, "target": repository.targets, "variant": list(repository.by_name)}
    for name in needed_and_null(component):
        if name in choices:
            key = KEYS.get(name, f"planners.{planner}.{name}")
            raise BadInputError(f"{key} has no value: give one with {key}=NAME; choices are {listed(choices[name])}")


def needed_and_null(component: Component) -> list[str]:
    """The arguments without a default that are null in the config, also of nested components."""
    arguments, parameters = component.arguments(), parameters_of(locate(component.target))
    own = [
        name
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and arguments.get(name, "") is None
    ]
    nested: list[Component] = []
    replaced(arguments, nested.append)
    return own + [name for one in nested for name in needed_and_null(one)]
