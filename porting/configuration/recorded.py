"""The check of a component in a record, which may be called only where a config names it too."""

import re

from pydantic import JsonValue

from porting.configuration.components import Component, NamedComponent, locate, path_arguments, replaced
from porting.configuration.config_folders import config_folder, config_folders
from profiler.common.errors import BadInputError

NAMED = re.compile(r"_target_:\s*[\"']?([\w.]+)")
# Characters of names, without those of paths, file extensions and addresses.
PLAIN = re.compile(r"[\w+ -]*")
# Widths and depths are far smaller.
LARGEST = 1_000_000


def recorded(component: NamedComponent, own: NamedComponent) -> NamedComponent:
    """Returns the component of a record, after checks, as the record may come from an attacker.

    `own` is the component in the settings of this run. Raises `BadInputError` for a component, also a nested one, that
    is in no config, and for an argument that may be a file or an address.
    """
    if component == own:
        return component
    known = configured()
    for one in every(component):
        if one.target not in known:
            raise BadInputError(
                f"a record names the backbone {one.target!r}, which is in no config: choose that backbone with "
                "backbone=NAME or --config-dir=FOLDER, or remove the variant's folder"
            )
        for key, value in one.arguments().items():
            if key in path_arguments(locate(one.target)) or not is_plain(value):
                raise BadInputError(
                    f"a record gives {one.target} {key}={str(value)[:80]!r}, which could be a file or an address, or "
                    f"is above {LARGEST}: choose that backbone with the same arguments, or remove the variant's folder"
                )
    return component


def configured() -> set[str]:
    """The `_target_` values in all configs of backbones: those of the project, and those of --config-dir."""
    files = [
        file for folder in (config_folder(), *config_folders) for file in sorted((folder / "backbone").glob("*.yaml"))
    ]
    return {target for file in files for target in NAMED.findall(file.read_text())}


def every(component: Component) -> list[Component]:
    """The component and all components in its arguments, at any depth."""
    found: list[Component] = [component]

    def add(inner: Component) -> None:
        found.extend(every(inner))

    for value in component.arguments().values():
        replaced(value, add)
    return found


def is_plain(value: JsonValue) -> bool:
    """Whether texts are plain names and numbers are at most `LARGEST`; nested components are checked separately."""
    if isinstance(value, dict):
        return "_target_" in value or all(map(is_plain, value.values()))
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, str):
        return bool(PLAIN.fullmatch(value))
    return value is None or -LARGEST <= value <= LARGEST
