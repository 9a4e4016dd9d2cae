"""The environment of a policy: tasks of a repository that share the cores of a target, under a deadline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from orchestrators.family import family, price
from orchestrators.variant import service_s
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget


@dataclass(frozen=True)
class Environment:
    """The versions of each task, the most accurate first, in `families`, and the circumstances in which they run.

    On a real server `families` also has versions that answer and are no longer in the repository. `cores` are those of
    the box or server, and `first_rps` is the first demand by task.
    """

    repository: Repository
    target: str
    families: Mapping[str, Sequence[VariantOnTarget]]
    cores: float
    deadline_ms: float
    first_rps: Mapping[str, float]

    @classmethod
    def of(
        cls, repository: Repository, target: str, first_rps: Mapping[str, float], deadline_ms: float,
        cores: float | None = None,
    ) -> "Environment":  # fmt: skip
        """The environment of the tasks in `first_rps`, by default on all cores of the target."""
        families = {task: family(repository, task, target) for task in first_rps}
        found = cls(repository, target, families, cores or 0.0, deadline_ms, first_rps)
        return replace(found, cores=found.own_cores) if cores is None else found

    @property
    def _any_version(self) -> VariantOnTarget:
        return next(iter(self.families.values()))[0]

    @property
    def tasks(self) -> list[str]:
        """The names of the tasks."""
        return list(self.families)

    @property
    def own_cores(self) -> float:
        """The cores of the profiled target."""
        return float(self._any_version.profile.target.cores)

    @property
    def start_up_s(self) -> float:
        """The start-up time of a machine as the user states it; raises `BadInputError` without it."""
        return price(self._any_version, "start_up_s").start_up_s or 0.0

    @property
    def server_cores(self) -> float:
        """The most cores that a server uses: the profiled ones, or fewer where the box has fewer."""
        return min(self.own_cores, self.cores)

    @property
    def share_cores(self) -> float:
        """The even part of the box of each task, for policies that reserve cores."""
        return self.cores / len(self.families)

    @cached_property
    def batch(self) -> int:
        """The smallest batch whose throughput was measured for every version; a quick profile has only large ones."""
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
        """The numbers of cores on which a variant was measured, up to `most`; the lowest number at least."""
        found = self.version(task, variant).cores()
        return [one for one in found if one <= most] or found[:1]

    def reserved_cores(self, task: str, variant: str) -> float:
        """The target's own cores, or fewer measured ones where the task's part of the box is smaller."""
        return min(self.own_cores, max(self.measured_cores(task, variant, self.share_cores), default=self.own_cores))

    def capacity_rps(self, task: str, variant: str, cores: float) -> float:
        """The rate in requests/s of single requests without pause."""
        return 1 / service_s(self.version(task, variant), 1, cores)[1]
