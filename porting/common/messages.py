"""The errors of Hydra, OmegaConf and pydantic in one line: the bad value, the valid ones, the fix."""

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


def hydra_message(error: Exception) -> str:
    """The line for an error of Hydra or OmegaConf."""
    from hydra.errors import ConfigCompositionException, MissingConfigException
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue

    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, value = str(error.missing_cfg_file).rpartition("/")
        return f"unknown {group or 'config'} {value!r}{suggestion(value, sorted(error.options))}"
    cause: Any = error.__cause__
    if isinstance(error, ConfigCompositionException) and isinstance(cause, ConfigAttributeError | ConfigKeyError):
        key, parent = str(cause.full_key), cause.parent_node
        choices = [] if parent is None else sorted(str(name) for name in parent)
        return f"unknown key {key!r}{suggestion(key.rpartition('.')[2], choices)}"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} has no value: give one with {error.full_key}=VALUE"
    return " ".join(str(error).split())


def validation_message(error: "ValidationError", model: "type[BaseModel]") -> str:
    """The first error in the values of a model."""
    first = error.errors()[0]
    if first["type"] == "extra_forbidden":
        place = ".".join(str(part) for part in first["loc"])
        return f"unknown key {place!r}{suggestion(str(first['loc'][-1]), known_keys(model, first['loc'][:-1]))}"
    return value_message(error)


def value_message(error: "ValidationError") -> str:
    """The first error, without suggestions for unknown keys, which need the model."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if not place:
        return message
    # The values of a whole section are not shown.
    value = "" if isinstance(first["input"], dict) else f"={first['input']!r}"
    return f"{place}{value} cannot be used: {message[:1].lower()}{message[1:]}"


def known_keys(model: "type[BaseModel]", location: Sequence[int | str]) -> list[str]:
    """The keys of the section of a model at `location`."""
    section: Any = model
    for part in location:
        fields = {field.alias or name: field for name, field in section.model_fields.items()}
        annotation = fields[str(part)].annotation
        section = next((one for one in get_args(annotation) if hasattr(one, "model_fields")), annotation)
    return [field.alias or name for name, field in section.model_fields.items()]


def suggestion(value: str, choices: Sequence[str]) -> str:
    """The end of a message: the nearest choice, and all choices."""
    near = difflib.get_close_matches(value, choices, n=1)
    listed = ", ".join(sorted(choices)) or "none"
    return f": did you mean {near[0]!r}? Choices: {listed}" if near else f": choices are {listed}"
