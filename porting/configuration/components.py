"""Components: objects that a config names with `_target_`, checked before they are built, with a digest for keys."""

import ast
import hashlib
import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from porting.common.messages import suggestion, value_message
from porting.configuration.annotations import annotated_as_path, source_of
from profiler.common.errors import BadInputError

# The packages of this project, whose components the extra `porting` makes complete.
PACKAGES = ("backbones", "datamodules", "orchestrators", "porting", "profiler")


class Component(BaseModel):
    """A callable by its dotted path, with its arguments as further fields, which may be components too."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, serialize_by_alias=True)
    target: str = Field(alias="_target_", pattern=r"^[A-Za-z_][\w.]*\.[A-Za-z_]\w*$")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    def arguments(self) -> dict[str, JsonValue]:
        """The arguments of the callable; nested components stay as in the config."""
        return dict(self.__pydantic_extra__)

    def build(self, **given: Any) -> Any:
        """Calls the target; `given` are further arguments from the pipeline.

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
        """The values that decide a result: dotted path, arguments without paths of the machine, and source digest.

        A nested component is replaced by its own recipe.
        """
        paths = annotated_as_path(self.target, self.arguments())
        paths = path_arguments(locate(self.target)) if paths is None else paths
        arguments = {
            key: replaced(value, Component.recipe) for key, value in self.arguments().items() if key not in paths
        }
        return {"target": self.target, "arguments": arguments, "source": source_digest(self.target)}


def replaced(value: JsonValue, by: Callable[[Component], Any]) -> Any:
    """The value with every component in it, at any depth, replaced by the result of `by`."""
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
    """A component whose name is a part of the name of a variant or a task."""

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=30)


def locate(dotted: str) -> Any:
    """The object at a dotted path; raises `BadInputError` with the missing part."""
    module_name, _, name = dotted.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and dotted.partition(".")[0] in PACKAGES:
            raise BadInputError(
                f"_target_ {dotted!r} needs the package {error.name}: pip install 'dnn-porting[porting]'"
            ) from error
        raise BadInputError(
            f"_target_ {dotted!r} cannot be imported ({error}): install what it needs, "
            "or put its file into the folder given with --config-dir"
        ) from error
    if not callable(getattr(module, name, None)):
        choices = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise BadInputError(f"module {module_name} has no {name!r}{suggestion(name, choices)}")
    return getattr(module, name)


def parameters_of(target: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of a callable by name; the schema of a record is built for them."""
    if inspect.isclass(target) and issubclass(target, BaseModel):
        target.model_rebuild()
    return inspect.signature(target).parameters


def check_arguments(dotted: str, target: Any, arguments: dict[str, JsonValue], given: dict[str, Any]) -> None:
    """Raises `BadInputError` for an unknown argument, and for a missing one."""
    parameters = parameters_of(target)
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
    """The arguments annotated as `Path`, which depend on the machine and are no part of a key."""
    function = target.__init__ if inspect.isclass(target) else target
    hints = typing.get_type_hints(function)
    return {name for name, hint in hints.items() if hint is Path or Path in typing.get_args(hint)}


def source_digest(dotted: str) -> str:
    """The SHA-256 of the module of the target and of the modules that it imports from its own folder."""
    found: dict[str, bytes] = {}
    collect_sources(dotted.rpartition(".")[0], found)
    if not found:
        raise BadInputError(f"_target_ {dotted!r} has no source file")
    return hashlib.sha256(b"\0".join(found[name] for name in sorted(found))).hexdigest()


def collect_sources(module: str, found: dict[str, bytes]) -> None:
    """Adds the source of a module and, recursively, of the modules that it imports from its own folder."""
    file = source_of(module)
    if module in found or file is None:
        return
    found[module] = file.read_bytes()
    package = module.rpartition(".")[0]
    nodes = list(ast.walk(ast.parse(found[module])))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    for name in names:
        if name.rpartition(".")[0] == package and (file.parent / f"{name.rpartition('.')[2]}.py").is_file():
            collect_sources(name, found)
