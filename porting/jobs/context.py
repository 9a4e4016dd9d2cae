"""The context of a stage: the settings, the workspace, the data, the shared values and the ready target."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from porting.configuration.components import Component
from porting.configuration.settings import Settings
from porting.workspace.data import Data
from porting.workspace.records import Epoch, Variant
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import DAY_S
from profiler.common.target import Target

if TYPE_CHECKING:
    from profiler.target.prepared_target import PreparedTarget

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


class ReadyTargets:
    """The target that is ready; the request for another target stops it.

    A request waits up to `wait_s` for another run that measures on this host.
    """

    def __init__(self, wait_s: float = DAY_S) -> None:
        self._stack, self._name, self._wait_s = ExitStack(), "", wait_s

    def get(self, name: str, target: Target) -> "PreparedTarget":
        """The prepared target of this name."""
        # A run without measurements needs no client of a server.
        from profiler.target.prepared_target import prepared_target

        if self._name != name:
            self.close()
            self._ready = self._stack.enter_context(prepared_target(name, target, self._wait_s))
            self._name = name
        return self._ready

    def close(self) -> None:
        """Stops the ready target."""
        self._name = ""
        self._stack.close()


def built_target(component: Component) -> Target:
    """The target of a config; raises `BadInputError` where the config names something else."""
    target = component.build()
    if not isinstance(target, Target):
        raise BadInputError(f"{component.target} gives a {type(target).__name__}, not a profiler.common.target.Target")
    return target
