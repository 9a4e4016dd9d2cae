"""A host of the tests with the usual answers, of which a test replaces those that it speaks of."""

from pathlib import Path

from profiler.common.target import Resources
from profiler.runtimes.served import Host, Served


class PlainHost(Host):
    """It loads what it is told, has no address, no process and no version, and is never revived."""

    runtime: str = "plain"
    address: str | None = None
    controls_loading: bool = True
    process: int | None = None

    def version(self) -> str | None:
        return None

    def load(self, name: str, path: Path, resources: Resources) -> Served:
        raise NotImplementedError

    def unload(self, name: str) -> None:
        pass

    def restart(self) -> bool:
        return False
