"""A job: a piece of the work of a stage as a value, for any process with the configuration and the workspace."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field, JsonValue

from porting.jobs.context import Context
from porting.jobs.own_code import code_versions
from porting.workspace.records import Variant
from profiler.common.files import json_digest
from profiler.common.version import versions
from profiler.records.base import Value


class Recipe(Value):
    """All that decides a new variant: the stage, the parent, the settings, other ingredients and versions.

    `parent` is the name of the parent variant and `parent_key` its key; both are null for the first of a lineage.
    """

    stage: str
    label: str
    parent: str | None
    parent_key: str | None
    settings: dict[str, JsonValue]
    ingredients: dict[str, JsonValue]
    versions: dict[str, str]

    @classmethod
    def of(
        cls,
        stage: str,
        label: str,
        parent: Variant | None,
        settings: dict[str, JsonValue],
        ingredients: dict[str, JsonValue],
        packages: tuple[str, ...],
    ) -> "Recipe":
        """The recipe with the installed versions of the packages, and that of the project's code for this stage."""
        return cls(
            stage=stage,
            label=label,
            parent=None if parent is None else parent.name,
            parent_key=None if parent is None else parent.key,
            settings=settings,
            ingredients=ingredients,
            versions=versions(packages) | code_versions(stage),
        )

    def key(self) -> str:
        """The SHA-256 of the recipe, in which no path and no variant name takes part."""
        whole = self.model_dump(mode="json", exclude={"parent", "parent_key"})
        return json_digest(whole | {"parent": self.parent_key})


class Job(Value):
    """One piece of the work of a stage on one variant.

    A job with a recipe makes the variant, and a job without one adds to an existing variant. `inputs` are the names of
    the variants that the job reads. `values` distinguish it from other jobs of its stage on this variant. `budget_s` is
    the time limit, if any.
    """

    stage: str
    variant: str
    inputs: list[str]
    recipe: Recipe | None = None
    values: dict[str, JsonValue] = Field(default_factory=dict)
    budget_s: float | None = Field(default=None, gt=0)

    @property
    def title(self) -> str:
        """The stage, the variant, and the target with its level, as a text."""
        where = " on {target}, {level}, visit {visit}".format(**self.values) if "target" in self.values else ""
        return f"{self.stage} {self.variant}{where}"


class StageModule(Protocol):
    """The functions of a stage's module, which a run that makes nothing new needs: it imports no torch."""

    def jobs(self, context: Context, pool: Sequence[Variant]) -> list[Job]:
        """The work of the stage on the variants of the pool."""

    def reuse(self, context: Context, job: Job) -> Variant | None:
        """The variant of the job where it was done before with the same recipe, else `None`."""


class WorkModule(Protocol):
    """The function of the module that does a stage's work."""

    def run(self, context: Context, job: Job) -> Variant:
        """Does the work, and returns the variant of the job."""
