"""Who decides over the versions of a live server, and what it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from orchestrators.planners.trivial import Decision, Problem, State, Version
from porting.repository import Repository


@dataclass(frozen=True)
class Offer:
    """What may answer on a server that may use `cores`.

    `problem` has the versions that are published, and with them what answers and has gone from there, each as fast as
    it is on those cores. `repository` has all else that was measured.
    """

    repository: Repository
    problem: Problem
    cores: float

    @classmethod
    def of(cls, repository: Repository, problem: Problem, cores: float) -> Self:
        """Of versions as fast as they were measured."""
        return cls(repository, on_cores(problem, cores), cores)


class Policy(Protocol):
    """Decides over one server."""

    def first(self, offer: Offer, /) -> Mapping[str, str]:
        """A version of every task to begin with, under the problem's demand, where nothing answers yet.

        Raises `DnnPortingError` where the repository lacks what is needed to decide.
        """

    def step(
        self, offer: Offer, state: State, cpu_share: float, demand_rps: Mapping[str, np.ndarray], /
    ) -> tuple[State, Decision]:
        """The next second, as `trivial.step` has it.

        The demand of each task is that of the seconds seen so far, the latest last, (seconds,): none at the start.
        """


def on_cores(problem: Problem, cores: float) -> Problem:
    """The problem on a server that may use less than the cores that it was measured on: everything takes longer."""
    part = min(1.0, cores / problem.cores)

    def slower(version: Version) -> Version:
        return version.model_copy(update={"images_per_s": version.images_per_s * part})

    return problem.of(task.model_copy(update={"versions": tuple(map(slower, task.versions))}) for task in problem.tasks)
