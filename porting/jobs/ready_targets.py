"""Targets that are ready to be measured on, one at a time."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from porting.configuration.components import Component
from profiler.common.errors import BadInputError
from profiler.common.target import Target

if TYPE_CHECKING:
    from profiler.target.prepared_target import PreparedTarget


class ReadyTargets:
    """The target that is ready; the request for another target stops it."""

    def __init__(self) -> None:
        self._stack, self._name = ExitStack(), ""

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
        """Stops the ready target."""
        self._name = ""
        self._stack.close()


def built_target(component: Component) -> Target:
    """The target of a config; raises `BadInputError` where the config names something else."""
    target = component.build()
    if not isinstance(target, Target):
        raise BadInputError(f"{component.target} gives a {type(target).__name__}, not a profiler.common.target.Target")
    return target
