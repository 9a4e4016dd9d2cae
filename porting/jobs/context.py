"""The context of a stage: the settings, the workspace, the data, and the values that its jobs share."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

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

    `config` is the resolved configuration as YAML, which is stored with every result. `stack` is closed when the stage
    ends.
    """

    settings: Settings
    workspace: Workspace
    config: str
    data: Data | None
    on_epoch: OnEpoch
    stack: ExitStack
    _kept: dict[str, Any] = field(default_factory=dict, init=False)

    def needed_data(self, stage: str) -> Data:
        """The data; raises `BadInputError` for a run without data."""
        if self.data is None:
            raise BadInputError(f"stage {stage} needs data: choose one with datamodule=NAME")
        return self.data

    def variant(self, name: str) -> Variant:
        """The variant of the task with this name; raises `BadInputError` for a missing or damaged record."""
        return self.workspace.read(self.workspace.variants_folder(self.settings.task) / name)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """The value of `make`, which is called once for each name while the stage runs."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast("T", self._kept[name])


def needs_the_extra(what: str, error: ModuleNotFoundError) -> BadInputError:
    """The error for work that needs the extra `porting`."""
    return BadInputError(f"{what} needs the package {error.name}: pip install 'dnn-porting[porting]'")


def seeded(seed: int) -> None:
    """Seeds the random numbers of all libraries."""
    from lightning import seed_everything

    seed_everything(seed, workers=True, verbose=False)
