"""A repository whose details are read once, however often a planner asks."""

from porting.repository import Repository
from porting.repository.schema import Details


class Remembering(Repository):
    """Reads each variant's details once, as planners ask for them at every decision."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository.root, repository.index)
        self._known: dict[str, Details] = {}

    def details(self, name: str) -> Details:
        if name not in self._known:
            self._known[name] = super().details(name)
        return self._known[name]
