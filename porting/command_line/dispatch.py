"""The work of `dnn-porting`: a command by its name, else the stages of a Hydra configuration.

An error ends in one line and an exit code.
"""

import copyreg
import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from porting.command_line.cli import PROGRAM, interruption
from porting.common.messages import hydra_message, suggestion
from porting.configuration.config_folders import config_folder, config_folders
from profiler.common.ending import explained, guarded
from profiler.common.errors import BadInputError
from profiler.common.version import name_and_version

if TYPE_CHECKING:
    from omegaconf import DictConfig

WORD = re.compile(r"[a-z][a-z_-]*")
OVERRIDE = re.compile(r"[~+\w][\w./@+]*=")


def done(work: Callable[[], None]) -> int:
    """Does the work; an error becomes one line on stderr and an exit code, or a traceback with HYDRA_FULL_ERROR=1."""
    return guarded(PROGRAM, interruption, work, explain)


def explain(error: BaseException) -> tuple[str, int]:
    """The line for an error, and the exit code; errors of Hydra are errors in the configuration."""
    # Only an imported module can raise an error.
    if "hydra.errors" in sys.modules:
        from hydra.errors import HydraException
        from omegaconf.errors import OmegaConfBaseException

        if isinstance(error, HydraException | OmegaConfBaseException):
            return hydra_message(error), BadInputError.exit_code
    return explained(error)


def dispatch(commands: Mapping[str, str], arguments: Sequence[str]) -> None:
    """Runs a command by its name, or the stages of a Hydra configuration.

    `--version` is handled here, as Hydra would print its own version.
    """
    if list(arguments) == ["--version"]:
        sys.stdout.write(f"{name_and_version()}\n")
    elif arguments and arguments[0] in commands:
        importlib.import_module(commands[arguments[0]]).run(arguments[1:])
    elif arguments and WORD.fullmatch(arguments[0]):
        raise BadInputError(f"unknown command {arguments[0]!r}{suggestion(arguments[0], list(commands))}")
    else:
        configured("config", [*arguments, *implied(arguments)], run_stages)


def configured(name: str, arguments: Sequence[str], work: Callable[["DictConfig"], None]) -> None:
    """Does the work with the main config of this name, once for each job of a sweep."""
    # The options come first, as Hydra's parser accepts no override between two options.
    overrides = [argument for argument in arguments if OVERRIDE.match(argument)]
    options = [argument for argument in arguments if not OVERRIDE.match(argument)]
    sys.argv[1:] = [*options, *overrides]
    check_choices(overrides)
    make_plugins_importable(arguments)
    import hydra

    if {"--help", "-h"} & set(options):
        quicken_help()

    def job(config: "DictConfig") -> None:
        # Hydra adds lines to any other exception.
        if code := done(lambda: work(config)):
            raise SystemExit(code)

    hydra.main(version_base="1.3", config_path=str(config_folder()), config_name=name)(job)()


def quicken_help() -> None:
    """Makes Hydra share its one store of schemas, which it otherwise copies about ninety times for the help."""
    from hydra.core.config_store import ConfigStore

    # The copy module returns the object itself where the reducer gives a text.
    copyreg.pickle(ConfigStore, lambda _: "ConfigStore")


def check_choices(overrides: Sequence[str]) -> None:
    """Raises `BadInputError` for a group that is set to null, as the error of Hydra does not name it."""
    for override in overrides:
        group, _, value = override.partition("=")
        folder = config_folder() / group
        if value == "null" and folder.is_dir():
            choices = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
            raise BadInputError(f"{group}=null is no choice: leave it out, or take one of {choices}")


def implied(arguments: Sequence[str]) -> list[str]:
    """The override `datamodule=none` for an import without data, as the default data would give a false accuracy."""
    given = {argument.partition("=")[0].lstrip("+~") for argument in arguments if "=" in argument}
    return ["datamodule=none"] if "model" in given and not given & {"datamodule", "experiment"} else []


def make_plugins_importable(arguments: Sequence[str]) -> None:
    """Adds the folder of `--config-dir` to the import path, for the modules that its configs name."""
    for index, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if option in ("--config-dir", "-cd"):
            folder = Path(value or (arguments[index + 1] if index + 1 < len(arguments) else "")).resolve()
            sys.path.append(str(folder))
            config_folders.append(folder)


def run_stages(config: "DictConfig") -> None:
    """Runs the stages, or with `dry_run` prints their jobs."""
    from omegaconf import OmegaConf

    from porting.command_line.summary import show_plan, summarise
    from porting.common.console import say
    from porting.configuration.settings import validated
    from porting.configuration.val_from import announcement
    from porting.pipeline import run

    OmegaConf.resolve(config)
    values = cast("dict[str, Any]", OmegaConf.to_container(config, throw_on_missing=True))
    settings = validated(values)
    if line := announcement({**values, "task": settings.task}):
        say(line)
    if settings.dry_run:
        show_plan(settings)
    else:
        summarise(run(settings, OmegaConf.to_yaml(config)), settings)
