"""Hydra's and OmegaConf's errors in one line: the bad value, the valid ones, the fix."""

import difflib
from collections.abc import Sequence
from typing import Any


def hydra_message(error: Exception) -> str:
    """The one line."""
    from hydra.errors import ConfigCompositionException, MissingConfigException
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue

    if isinstance(error, MissingConfigException) and error.options is not None:
        return unknown_choice(error)
    cause: Any = error.__cause__
    if isinstance(error, ConfigCompositionException) and isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return unknown_key(str(cause.full_key), cause)
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} has no value: give one with {error.full_key}=VALUE"
    return " ".join(str(error).split())


def unknown_choice(error: Any) -> str:
    """A config group's option that does not exist."""
    group, _, value = str(error.missing_cfg_file).rpartition("/")
    choices = sorted(error.options)
    return f"unknown {group or 'config'} {value!r}{suggestion(value, choices)}"


def unknown_key(key: str, cause: Any) -> str:
    """A key that the configuration does not have."""
    parent = cause.parent_node
    choices = sorted(str(name) for name in parent) if parent is not None else []
    name = key.rpartition(".")[2]
    return f"unknown key {key!r}{suggestion(name, choices)}"


def suggestion(value: str, choices: Sequence[str]) -> str:
    """The end of the line: the nearest choice, and all of them."""
    near = difflib.get_close_matches(value, choices, n=1)
    listed = ", ".join(sorted(choices)) or "none"
    return f": did you mean {near[0]!r}? Choices: {listed}" if near else f": choices are {listed}"
