"""Where a model is served: a server of our own, a running one, or this process."""

from pathlib import Path
from typing import Protocol

from profiler.common.resources import Resources
from profiler.runtimes.served import Served


class Host(Protocol):
    """Loads and unloads models by name; one of them answers at a time, unless a reference load runs beside it.

    `runtime` names it in every point. `process` is the root of the processes that serve, `None` where they are
    not ours to see. `address` is where a load generator of its own can call it, `None` inside this process.
    `controls_loading` says whether loading and unloading do anything.
    """

    @property
    def runtime(self) -> str: ...

    @property
    def address(self) -> str | None: ...

    @property
    def controls_loading(self) -> bool: ...

    @property
    def process(self) -> int | None: ...

    def version(self) -> str | None:
        """What the server says of itself."""
        ...

    def load(self, name: str, path: Path, resources: Resources) -> Served:
        """Returns when the model is ready; one of that name is replaced. `ServerError` where it is refused."""
        ...

    def unload(self, name: str) -> None:
        """Returns when the model is gone; does nothing where there is none of that name."""
        ...

    def revive(self) -> bool:
        """Starts the server again where it is ours; whether models must be loaded again."""
        ...
