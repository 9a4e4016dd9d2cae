"""The work of `dnn-porting`: a command by its name, else the stages of a Hydra configuration.

An error ends in one line and an exit code.
"""

import copyreg
import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from porting.command_line.cli import PROGRAM, interruption
from porting.common.messages import hydra_message, suggestion
from porting.configuration.folders import config_folder, config_folders
from profiler.common.ending import explained, guarded
from profiler.common.errors import BadInputError
from profiler.common.version import name_and_version

if TYPE_CHECKING:
    from omegaconf import DictConfig

WORD = re.compile(r"[a-z_]+")
OVERRIDE = re.compile(r"[~+\w][\w./@+]*=")


def done(work: Callable[[], None]) -> int:
    """Does the work; an error becomes one line on stderr and an exit code, unless HYDRA_FULL_ERROR=1 asks for all."""
    return guarded(PROGRAM, interruption, work, explain)


def explain(error: BaseException) -> tuple[str, int]:
    """The line for an error, and the exit code; Hydra's own mean that something in the configuration is wrong."""
    # What was not imported, or could not be, raised nothing.
    if "hydra.errors" in sys.modules:
        from hydra.errors import HydraException
        from omegaconf.errors import OmegaConfBaseException

        if isinstance(error, HydraException | OmegaConfBaseException):
            return hydra_message(error), BadInputError.exit_code
    return explained(error)


def dispatch(commands: Mapping[str, str], arguments: Sequence[str]) -> None:
    """Runs a command by its name, or the stages of a Hydra configuration.

    `--version` is answered here, as Hydra would answer with its own version.
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
    """Does the work with the main config of that name, once for each job of a sweep."""
    # Options first: Hydra's parser takes no override between two of them.
    overrides = [argument for argument in arguments if OVERRIDE.match(argument)]
    options = [argument for argument in arguments if not OVERRIDE.match(argument)]
    sys.argv[1:] = [*options, *overrides]
    check_choices(overrides)
    make_plugins_importable(arguments)
    import hydra

    if {"--help", "-h"} & set(options):
        quicken_help()

    def job(config: "DictConfig") -> None:
        # Not as an exception, to which Hydra would add lines of its own.
        if code := done(lambda: work(config)):
            raise SystemExit(code)

    hydra.main(version_base="1.3", config_path=str(config_folder()), config_name=name)(job)()


def quicken_help() -> None:
    """Has Hydra share its one store of schemas, which it copies for each of some ninety questions about groups."""
    from hydra.core.config_store import ConfigStore

    # A text in place of the parts to copy says that the object is the only one of its kind.
    copyreg.pickle(ConfigStore, lambda _: "ConfigStore")


def check_choices(overrides: Sequence[str]) -> None:
    """Raises `BadInputError` for a group that is set to null, which Hydra fails at without naming it."""
    for override in overrides:
        group, _, value = override.partition("=")
        folder = config_folder() / group
        if value == "null" and folder.is_dir():
            choices = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
            raise BadInputError(f"{group}=null is no choice: leave it out, or take one of {choices}")


def implied(arguments: Sequence[str]) -> list[str]:
    """`datamodule=none` for an import that names no data: a default must not become a false accuracy."""
    given = {argument.partition("=")[0].lstrip("+~") for argument in arguments if "=" in argument}
    return ["datamodule=none"] if "model" in given and not given & {"datamodule", "experiment"} else []


def make_plugins_importable(arguments: Sequence[str]) -> None:
    """Puts the folder of `--config-dir` on the import path, as its configs name modules that lie in it."""
    for index, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if option in ("--config-dir", "-cd"):
            folder = Path(value or (arguments[index + 1] if index + 1 < len(arguments) else "")).resolve()
            sys.path.append(str(folder))
            config_folders.append(folder)


def run_stages(config: "DictConfig") -> None:
    """The stages, or with `dry_run` what they would do."""
    from omegaconf import OmegaConf

    from porting.command_line import dry_run
    from porting.configuration.settings import validated
    from porting.pipeline import run

    OmegaConf.resolve(config)
    settings = validated(OmegaConf.to_container(config, throw_on_missing=True))  # type: ignore[arg-type]
    if settings.dry_run:
        dry_run.show(settings)
        return
    outcome = run(settings, OmegaConf.to_yaml(config))
    from porting.command_line.summary import summarise

    summarise(outcome, settings)
