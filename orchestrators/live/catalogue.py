"""What may be loaded: a published repository that somebody may publish anew while it is used."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrators.live.network import Network, of
from orchestrators.policies.world import World
from porting.repository import Repository
from porting.repository.reader import INDEX
from porting.repository.storage import Storage
from profiler.common.errors import DnnPortingError
from profiler.common.parse import INDEX_LIMIT_BYTES


@dataclass(frozen=True)
class Edition:
    """A repository as it was published at one time, and what there is to decide over in it."""

    world: World

    def digest(self, variant: str) -> str | None:
        """The sha256 of the ONNX file that is published under this name, if one is."""
        return next((one.onnx_sha256 for one in self.world.repository.variants if one.name == variant), None)


class Catalogue:
    """The edition in use. `world_of` reads what a repository offers, and raises where that is not whole.

    With the file of a `public_key` only editions that are signed by its owner are used.

    Raises what that raises for the first edition. `notice` says why the newest one is not in use.
    """

    def __init__(
        self,
        url: str | Path,
        world_of: Callable[[Repository], World],
        public_key: Path | None = None,
    ) -> None:
        self._url, self._world_of, self._public_key = url, world_of, public_key
        self._digest = self._published()
        self._lock = threading.Lock()
        self.notice: str | None = None
        self.edition = self._read()

    def refresh(self) -> None:
        """Takes the newest edition if it is whole; else the one before stays in use, and it is tried again."""
        with self._lock:
            try:
                if (digest := self._published()) != self._digest:
                    self.edition = self._read()
                    self._digest = digest
                self.notice = None
            except (DnnPortingError, ValueError) as error:
                # Figures that the schema lets through may make no problem: a ValueError of pydantic's.
                self.notice = f"the repository as it is now is not used: {error}"

    def network(self, task: str, variant: str) -> Network:
        """As in the edition in use; raises `DnnPortingError` where it cannot be had."""
        world = self.edition.world
        return of(world.repository, world.target, task, variant)

    def _read(self) -> Edition:
        return Edition(self._world_of(Repository.load(self._url, self._public_key)))

    def _published(self) -> str:
        """Reading an index is quick, and understanding one with thousands of variants is not."""
        return hashlib.sha256(Storage.at(self._url).read(INDEX, limit_bytes=INDEX_LIMIT_BYTES)).hexdigest()
