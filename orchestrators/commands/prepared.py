"""What `plan`, `simulate` and `orchestrate` read of their configs alike."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from orchestrators.policies import Policy, World
from orchestrators.policies.policy import checked
from porting.common.messages import validation_message
from porting.configuration.components import Component
from porting.repository import Repository
from porting.repository.reader import listed
from profiler.common.errors import BadInputError

if TYPE_CHECKING:
    from omegaconf import DictConfig

Model = TypeVar("Model", bound=BaseModel)


def repository_of(config: "DictConfig") -> Repository:
    """The repository that the config names; signed, where it names a public key."""
    return Repository.load(config.repository, config.public_key and Path(config.public_key))


def complete_target_and_tasks(config: "DictConfig", repository: Repository) -> None:
    """Fills in the only target and all tasks; raises `BadInputError` where there are several targets to choose from."""
    if config.target_name is None and len(repository.targets) != 1:
        choices = listed(repository.targets)
        raise BadInputError(f"target_name has no value: give one with target_name=NAME; choices are {choices}")
    config.target_name = config.target_name or repository.targets[0]
    if config.tasks is None:
        config.tasks = repository.tasks


def made(component: Component, world: World) -> Policy:
    """The policy that a config names; raises `BadInputError` for wrong settings, and for what is no policy."""
    return checked(component.build(world=world), component.target)


def validated(config: "DictConfig", model: type[Model]) -> Model:
    """The config as that model; raises `BadInputError` for the first value that cannot be used."""
    from omegaconf import OmegaConf

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BadInputError(validation_message(error, model)) from error
