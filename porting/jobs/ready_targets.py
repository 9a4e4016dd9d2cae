"""Targets that are ready to be measured on, one at a time."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from porting.configuration.components import Component
from porting.jobs.context import Context
from profiler.common.errors import BadInputError
from profiler.common.target import Target

if TYPE_CHECKING:
    from profiler.target.prepared_target import PreparedTarget


class ReadyTargets:
    """The target that is ready; it is taken down when another one is needed."""

    def __init__(self) -> None:
        self._stack, self._name = ExitStack(), ""

    @classmethod
    def of(cls, context: Context) -> Self:
        """An object of this class that is closed when the stage ends."""
        ready = cls()
        context.stack.callback(ready.close)
        return ready

    def get(self, name: str, target: Target) -> "PreparedTarget":
        """The prepared target of this name."""
        # A run without measurements needs no client of a server.
        from profiler.target.prepared_target import prepared_target

        if self._name != name:
            self.close()
            self._ready = self._stack.enter_context(prepared_target(name, target))
            self._name = name
        return self._ready

    def close(self) -> None:
        """Takes the ready target down."""
        self._name = ""
        self._stack.close()


def built_target(component: Component) -> Target:
    """The target of a config; raises `BadInputError` where the config names something else."""
    target = component.build()
    if not isinstance(target, Target):
        raise BadInputError(f"{component.target} gives a {type(target).__name__}, not a profiler.common.target.Target")
    return target
