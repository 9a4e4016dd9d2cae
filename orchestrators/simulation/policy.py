"""What decides in the loop: it sees what it would see live, and answers with the deployments that shall be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orchestrators.deployment import Deployment


@dataclass(frozen=True)
class Ways:
    """How a policy's decisions come about.

    It is asked every `interval_s`. With `in_place` a server that runs already gets other cores or another batch size
    at once, and nothing is loaded anew. With `start_up_s` every replica is a machine of its own, which takes so long
    before it loads anything and shares its cores with nobody; `None` puts all of them on one box.
    """

    interval_s: int
    in_place: bool = False
    start_up_s: float | None = None


@dataclass(frozen=True)
class Seen:
    """By task and second from 0 to now: how many requests came, in requests/s, and how many cores its servers used.

    `cpu_share` is the use of all that there was by second, loads included.
    `deployments` are those last asked for. While `changing`, some of them are still loading and those before them
    answer. `waiting` requests of each task had not begun.
    """

    demand_rps: Mapping[str, NDArray[np.float64]]
    used_cores: Mapping[str, NDArray[np.float64]]
    cpu_share: NDArray[np.float64]
    deployments: Sequence[Deployment]
    changing: bool
    waiting: Mapping[str, int]


class Policy(Protocol):
    """Called at 0 before anything came: what it answers then is up from the start."""

    @property
    def name(self) -> str: ...

    @property
    def ways(self) -> Ways: ...

    @property
    def infeasible(self) -> int:
        """How often it kept its last plan because there was no new one."""

    def decide(self, now_s: int, seen: Seen, /) -> Sequence[Deployment] | None:
        """All deployments that shall be, or `None` to leave everything; a task that is not named keeps its own."""
