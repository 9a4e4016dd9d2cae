"""What a stage is given: the settings, the workspace, the data, and the place to report to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from porting.common.console import Advance, progress
from porting.configuration.settings import Settings
from porting.workspace.data import Data
from porting.workspace.records import Epoch, Variant
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Context:
    """One run of one stage.

    `config` is the resolved configuration as YAML, which is kept beside every result; what a stage enters
    into `stack` is closed when the stage ends.
    """

    settings: Settings
    workspace: Workspace
    config: str
    data: Data | None
    on_epoch: Callable[[str, Epoch], None]
    stack: ExitStack

    def needed_data(self, stage: str) -> Data:
        """The data; raises `BadInputError` where the run has none."""
        if self.data is None:
            raise BadInputError(f"stage {stage} needs data: choose one with datamodule=NAME")
        return self.data

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Advance]:
        with progress(title, total) as advance:
            yield advance


@dataclass(frozen=True)
class Job:
    """One piece of a stage's work, with the variant that it made or added to as its result.

    `reuse` gives that variant back where the same recipe was followed before; `run` follows it, within
    `budget_s` where it has one. `makes` is the name of the variant where it is a new one.
    """

    title: str
    reuse: Callable[[], Variant | None]
    run: Callable[[], Variant]
    budget_s: float | None = None
    makes: str | None = None


JobsOf = Callable[[Context, Sequence[Variant]], list[Job]]


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The installed versions of what decides a result, this project's own among them."""
    return {name: installed_version(name) for name in ("dnn-porting", *packages)}


def installed_version(package: str) -> str:
    """Its version; nni, for one, is absent on Arm."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def needs_the_extra(what: str, error: ModuleNotFoundError) -> BadInputError:
    """The error for work that the plain install cannot do."""
    return BadInputError(f"{what} needs the package {error.name}: pip install 'dnn-porting[porting]'")


def seeded(seed: int) -> None:
    """The same random numbers in every run, in every library that draws any."""
    from lightning import seed_everything

    seed_everything(seed, workers=True, verbose=False)


def section_values(section: Any) -> dict[str, Any]:
    """A settings section as JSON, for keys and records."""
    return dict(section.model_dump(mode="json"))
