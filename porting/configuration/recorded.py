"""A component that a record names: it is called only where a config names it too."""

import re

from pydantic import JsonValue

from porting.configuration.components import Component, NamedComponent, locate, path_arguments, replaced
from porting.configuration.folders import config_folder, config_folders
from profiler.common.errors import BadInputError

NAMED = re.compile(r"_target_:\s*[\"']?([\w.]+)")
# A name without what could be a path, a file's ending or an address.
PLAIN = re.compile(r"[\w+ -]*")
# Widths and depths stay far below it.
LARGEST = 1_000_000


def recorded(component: NamedComponent, own: NamedComponent) -> NamedComponent:
    """The component of a record, which anybody may have written: it may be called where a config names it.

    `own` is that of this run's settings. Raises `BadInputError` for a component, or one inside of it, that is in no
    config, and for an argument that could lead to a file or an address.
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
    """The targets in the configs of backbones, ours and those of the folders given with --config-dir."""
    files = [
        file for folder in (config_folder(), *config_folders) for file in sorted((folder / "backbone").glob("*.yaml"))
    ]
    return {target for file in files for target in NAMED.findall(file.read_text())}


def every(component: Component) -> list[Component]:
    """The component and those among its arguments, at any depth."""
    found: list[Component] = [component]

    def add(inner: Component) -> None:
        found.extend(every(inner))

    for value in component.arguments().values():
        replaced(value, add)
    return found


def is_plain(value: JsonValue) -> bool:
    """Whether texts are names and numbers of a usual size; what a component in it is given is asked for itself."""
    if isinstance(value, dict):
        return "_target_" in value or all(map(is_plain, value.values()))
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, str):
        return bool(PLAIN.fullmatch(value))
    return value is None or -LARGEST <= value <= LARGEST
