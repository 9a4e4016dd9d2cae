"""What the policies are compared on: tasks of a repository on one box of a target, under a deadline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrators.family import family
from orchestrators.forecast import Forecaster
from orchestrators.simulation.run import Box
from orchestrators.simulation.variant import Catalogue, catalogue
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget


@dataclass(frozen=True)
class Scene:
    """`first_rps` is the demand to begin with, by task.

    `forecasters` has what tells planners what is to come, by how many seconds they plan ahead.
    """

    repository: Repository
    target: str
    families: dict[str, list[VariantOnTarget]]
    catalogue: Catalogue
    box: Box
    deadline_ms: float
    first_rps: dict[str, float]
    forecasters: Callable[[int], Forecaster]

    @classmethod
    def of(
        cls,
        repository: Repository,
        target: str,
        first_rps: dict[str, float],
        deadline_ms: float,
        forecasters: Callable[[int], Forecaster],
        box_cores: float | None = None,
    ) -> "Scene":
        """The tasks that `first_rps` names, on the target's own cores unless told."""
        families = {task: family(repository, task, target) for task in first_rps}
        models = catalogue(repository, list(first_rps), target)
        box = Box.of(next(iter(families.values()))[0].profile.target, box_cores)
        return cls(
            repository,
            target,
            families,
            models,
            box,
            deadline_ms,
            first_rps,
            forecasters,
        )

    @property
    def tasks(self) -> list[str]:
        return list(self.families)

    @property
    def own_cores(self) -> float:
        """Those of the target as it was profiled."""
        return float(next(iter(self.families.values()))[0].profile.target.cores)

    @property
    def share_cores(self) -> float:
        """An even part of the box for each task, where a policy reserves cores."""
        return self.box.cores / len(self.families)

    def measured_cores(self, task: str, variant: str, most: float) -> Sequence[float]:
        """On how many cores a variant was measured, up to so many, the fewest always among them."""
        found = next(one for one in self.families[task] if one.name == variant).cores()
        return [one for one in found if one <= most] or found[:1]

    def reserved_cores(self, task: str, variant: str) -> float:
        """The target's own, or fewer that were measured where the task's part of the box is smaller."""
        return min(self.own_cores, max(self.measured_cores(task, variant, self.share_cores), default=self.own_cores))

    def capacity_rps(self, task: str, variant: str, cores: float) -> float:
        """Single requests one after the other."""
        return 1 / self.catalogue[task, variant].service_s(1, cores)[1]
