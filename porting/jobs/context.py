"""What a stage is given: the settings, the workspace, the data, and the place to report to."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from porting.common.console import Advance, progress
from porting.configuration.settings import Settings
from porting.workspace.data import Data
from porting.workspace.records import Epoch, Variant
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError

T = TypeVar("T")
OnEpoch = Callable[[str, Epoch], None]


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
    on_epoch: OnEpoch
    stack: ExitStack
    _kept: dict[str, Any] = field(default_factory=dict, init=False)

    def needed_data(self, stage: str) -> Data:
        """The data; raises `BadInputError` where the run has none."""
        if self.data is None:
            raise BadInputError(f"stage {stage} needs data: choose one with datamodule=NAME")
        return self.data

    def variant(self, name: str) -> Variant:
        """The variant of the task with that name; raises `BadInputError` where its record is missing or damaged."""
        return self.workspace.read(self.workspace.variants_folder(self.settings.task) / name)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """The value that `make` gives, made once while the stage runs; every job of the stage gets the same."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast("T", self._kept[name])

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Advance]:
        with progress(title, total) as advance:
            yield advance


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
