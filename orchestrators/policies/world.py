"""What a policy decides over: tasks of a repository on cores of a target that they share, under a deadline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestrators.family import family
from orchestrators.variant import service_s
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget


@dataclass(frozen=True)
class World:
    """`families` has each task's versions, the most accurate first; on a real server also what answers and has gone
    from the repository. `cores` are those of the box or server, `first_rps` is the demand to begin with, by task.
    """

    repository: Repository
    target: str
    families: Mapping[str, Sequence[VariantOnTarget]]
    cores: float
    deadline_ms: float
    first_rps: Mapping[str, float]

    @classmethod
    def of(
        cls,
        repository: Repository,
        target: str,
        first_rps: Mapping[str, float],
        deadline_ms: float,
        cores: float | None = None,
    ) -> "World":
        """The tasks that `first_rps` names, on the target's own cores unless told."""
        families = {task: family(repository, task, target) for task in first_rps}
        own = next(iter(families.values()))[0].profile.target.cores
        return cls(repository, target, families, own if cores is None else cores, deadline_ms, first_rps)

    @property
    def tasks(self) -> list[str]:
        """The names of the tasks."""
        return list(self.families)

    @property
    def own_cores(self) -> float:
        """Those of the target as it was profiled."""
        return float(next(iter(self.families.values()))[0].profile.target.cores)

    @property
    def server_cores(self) -> float:
        """Those that a server uses at most: as many as were profiled, or as there are."""
        return min(self.own_cores, self.cores)

    @property
    def share_cores(self) -> float:
        """An even part of the box for each task, where a policy reserves cores."""
        return self.cores / len(self.families)

    @cached_property
    def batch(self) -> int:
        """The smallest batch whose throughput was measured of every version: a quick profile knows large ones alone."""
        measured = [
            {point.batch for point in one.profile.own(one.profile.max_throughput)}
            for found in self.families.values()
            for one in found
        ]
        return min(set.intersection(*measured), default=1)

    def version(self, task: str, variant: str) -> VariantOnTarget:
        """The figures of one version of a task."""
        return next(one for one in self.families[task] if one.name == variant)

    def measured_cores(self, task: str, variant: str, most: float) -> Sequence[float]:
        """On how many cores a variant was measured, up to so many, the fewest always among them."""
        found = self.version(task, variant).cores()
        return [one for one in found if one <= most] or found[:1]

    def reserved_cores(self, task: str, variant: str) -> float:
        """The target's own, or fewer that were measured where the task's part of the box is smaller."""
        return min(self.own_cores, max(self.measured_cores(task, variant, self.share_cores), default=self.own_cores))

    def capacity_rps(self, task: str, variant: str, cores: float) -> float:
        """Single requests one after the other."""
        return 1 / service_s(self.version(task, variant), 1, cores)[1]
