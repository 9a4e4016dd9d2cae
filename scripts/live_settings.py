"""The settings of the live benchmark: the numbers of tasks, servers and requests, and the policies."""

from dataclasses import dataclass

SERVERS, SERVER_CORES = 3, 0.5


@dataclass(frozen=True)
class Setting:
    """A case; `load` is a part of the usual mean demand, and `late_goal` the goal for the share of late answers."""

    name: str
    tasks: int | None
    servers: int
    load: float
    policies: tuple[str, ...]
    late_goal: float

    @property
    def cores(self) -> float:
        """The cores of all its servers: one server has a core, several have a part of a core each."""
        return self.servers * SERVER_CORES if self.servers > 1 else 1.0


ALL = ("trivial", "smallest", "largest")
SETTINGS = (
    Setting("one task", 1, 1, 1.0, ALL, 0.001),
    Setting("three tasks", None, 1, 1.0, ALL, 0.001),
    Setting("three servers, low load", None, SERVERS, 1 / 3, ("trivial",), 0.001),
    Setting("three servers, three times the demand", None, SERVERS, 1.0, ("trivial",), 0.003),
)
