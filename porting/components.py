"""Components: what a config names with `_target_`, checked before it is built and hashed by what decides it."""

import ast
import hashlib
import importlib
import importlib.util
import inspect
import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from porting.messages import suggestion, value_message
from profiler.errors import BadInputError

# Those given with --config-dir.
config_folders: list[Path] = []
NAMED = re.compile(r"_target_:\s*[\"']?([\w.]+)")
# A name without what could be a path, a file's ending or an address.
PLAIN = re.compile(r"[\w+ -]*")
# Widths and depths stay far below it.
LARGEST = 1_000_000


class Component(BaseModel):
    """A callable by its dotted path, with its arguments as further fields; an argument may be a component itself."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, serialize_by_alias=True)
    target: str = Field(alias="_target_", pattern=r"^[A-Za-z_][\w.]*\.[A-Za-z_]\w*$")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    def arguments(self) -> dict[str, JsonValue]:
        """What the callable gets, nested components as the config writes them."""
        return dict(self.__pydantic_extra__)

    def build(self, **given: Any) -> Any:
        """Calls the target; `given` are arguments that the pipeline knows.

        Nested components are built first. Raises `BadInputError` for wrong arguments.
        """
        target = locate(self.target)
        check_arguments(self.target, target, self.arguments(), given)
        arguments = {key: replaced(value, Component.build) for key, value in self.arguments().items()}
        try:
            return target(**given, **arguments)
        except ValidationError as error:
            raise BadInputError(f"{self.target} cannot be made: {value_message(error)}") from error
        except (ValueError, TypeError, OSError, RuntimeError, MemoryError) as error:
            raise BadInputError(f"{self.target} cannot be made: {error}") from error

    def recipe(self) -> dict[str, JsonValue]:
        """What its results depend on: path, arguments without machine paths, and its module's source.

        A nested component stands there with its own recipe.
        """
        hints = path_arguments(locate(self.target))
        arguments = {
            key: replaced(value, Component.recipe) for key, value in self.arguments().items() if key not in hints
        }
        return {"target": self.target, "arguments": arguments, "source": source_digest(self.target)}


def replaced(value: JsonValue, by: Callable[[Component], Any]) -> Any:
    """The value with every component in it, at any depth, replaced by what `by` makes of it."""
    if isinstance(value, list):
        return [replaced(item, by) for item in value]
    if not isinstance(value, dict):
        return value
    if "_target_" not in value:
        return {key: replaced(item, by) for key, item in value.items()}
    try:
        component = Component.model_validate(value)
    except ValidationError as error:
        raise BadInputError(
            f"_target_ {value['_target_']!r} is no dotted path to a class or function, such as my_file.MyClass"
        ) from error
    return by(component)


class NamedComponent(Component):
    """A component whose name becomes part of a variant's or a task's name."""

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=30)


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
    from porting.cli import config_folder

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


def locate(dotted: str) -> Any:
    """The object at a dotted path; raises `BadInputError` that says which part is missing."""
    module_name, _, name = dotted.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise BadInputError(
            f"_target_ {dotted!r} cannot be imported ({error}): install what it needs, "
            "or put its file into the folder given with --config-dir"
        ) from error
    if not callable(getattr(module, name, None)):
        choices = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise BadInputError(f"module {module_name} has no {name!r}{suggestion(name, choices)}")
    return getattr(module, name)


def check_arguments(dotted: str, target: Any, arguments: dict[str, JsonValue], given: dict[str, Any]) -> None:
    """Raises `BadInputError` for an argument that the target does not take, or one that it lacks."""
    parameters = inspect.signature(target).parameters
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    own = [name for name in parameters if name not in given]
    for key in arguments:
        if key not in own:
            raise BadInputError(f"{dotted} takes no {key!r}{suggestion(key, own)}")
    for name in own:
        if parameters[name].default is inspect.Parameter.empty and name not in arguments:
            raise BadInputError(f"{dotted} needs {name!r}: set it in its config")


def path_arguments(target: Any) -> set[str]:
    """The arguments annotated as `Path`: where a thing lies on this machine, never part of a key."""
    function = target.__init__ if inspect.isclass(target) else target
    hints = typing.get_type_hints(function)
    return {name for name, hint in hints.items() if hint is Path or Path in typing.get_args(hint)}


def source_digest(dotted: str) -> str:
    """The sha256 of the module that holds the target and of what it imports from beside itself."""
    found: dict[str, bytes] = {}
    collect_sources(dotted.rpartition(".")[0], found)
    if not found:
        raise BadInputError(f"_target_ {dotted!r} has no source file")
    return hashlib.sha256(b"\0".join(found[name] for name in sorted(found))).hexdigest()


def collect_sources(module: str, found: dict[str, bytes]) -> None:
    """Adds a module's source and, following its imports, that of every module in the same folder."""
    specification = importlib.util.find_spec(module)
    if module in found or specification is None or not specification.origin:
        return
    file = Path(specification.origin)
    if file.suffix != ".py":
        return
    found[module] = file.read_bytes()
    package = module.rpartition(".")[0]
    for name in imported_names(found[module]):
        if name.rpartition(".")[0] == package and (file.parent / f"{name.rpartition('.')[2]}.py").is_file():
            collect_sources(name, found)


def imported_names(source: bytes) -> list[str]:
    """The modules that a source imports by their full names."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return found
