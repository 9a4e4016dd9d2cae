"""The reader of a published repository, which needs pydantic alone."""

import hashlib
from collections.abc import Collection, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from porting.repository.consistency import check_details, check_numbers
from porting.repository.figures import compared_by, rank_value
from porting.repository.index_json import index_from_json
from porting.repository.schema import Details, Index, Published
from porting.repository.standing import RANKED_BY, Candidate, placed
from porting.repository.storage import Storage
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.door import DETAILS_LIMIT_BYTES, INDEX_LIMIT_BYTES, parsed, refused
from profiler.common.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

    from porting.repository.frontier import Dominance

INDEX, DETAILS = "repository.json", "variant.json"
LISTED = 20
# The details of a variant take up to some megabytes; beyond this number they are read again.
KEPT_DETAILS = 512


class Repository:
    """A published repository: its index in memory, the details of a variant read on demand.

    `predicted` has a line for each predicted time that was used in place of a measured one, for the reader of a result.
    """

    def __init__(self, storage: Storage, index: Index) -> None:
        self.storage, self.index = storage, index
        self.predicted: dict[str, None] = {}
        self._details = lru_cache(maxsize=KEPT_DETAILS)(self._read_details)

    @classmethod
    def load(cls, url: str | Path, public_key: Path | None = None) -> "Repository":
        """Reads the index at a folder or an fsspec URL; raises `BadInputError` where there is no valid one.

        With the file of a `public_key`, it raises `BadInputError` too where the index is not signed with the private
        key, and where another file of a local folder differs from the signed one. Files elsewhere are checked against
        the index when they are read.
        """
        storage = Storage.at(url)
        content = storage.read(INDEX, limit_bytes=INDEX_LIMIT_BYTES)
        if public_key is None:
            return cls(storage, index_from_json(content, f"{url}/{INDEX}"))
        from porting.repository.integrity import check_signed, check_whole

        check_signed(storage, content, public_key)
        repository = cls(storage, index_from_json(content, f"{url}/{INDEX}"))
        check_whole(repository)
        return repository

    def __repr__(self) -> str:
        return (
            f"Repository({len(self.variants)} variants of {listed(self.tasks)} "
            f"on {listed(self.targets)} at {self.storage})"
        )

    @property
    def variants(self) -> list[Published]:
        """Every variant that can be served."""
        return list(self.index.variants)

    @property
    def tasks(self) -> list[str]:
        """The tasks of the published variants, sorted."""
        return sorted({variant.task for variant in self.index.variants})

    @property
    def targets(self) -> list[str]:
        """The measured targets, sorted."""
        return sorted(self.index.targets)

    @cached_property
    def by_name(self) -> dict[str, Published]:
        """The published variants by their names."""
        return {variant.name: variant for variant in self.index.variants}

    def variant(self, name: str) -> Published:
        """The published variant of a name; raises `BadInputError` for an unknown name."""
        if name not in self.by_name:
            raise BadInputError(f"no variant {name!r}: choices are {listed(self.by_name)}")
        return self.by_name[name]

    def details(self, name: str) -> Details:
        """The profiles and provenance of a variant; raises `BadInputError` where the file is not the indexed one."""
        return self._details(name)

    def _read_details(self, name: str) -> Details:
        variant = self.variant(name)
        content = self.storage.read(variant.name, DETAILS, limit_bytes=DETAILS_LIMIT_BYTES)
        place = f"{self.storage}/{variant.name}/{DETAILS}"
        if hashlib.sha256(content).hexdigest() != variant.details_sha256:
            raise BadInputError(f"{place} is not the file of the index: publish again")
        details = parsed(Details, content, place)
        try:
            check_numbers(from_json(content))
            check_details(details, variant, self.index.targets)
        except ValueError as error:
            raise refused(place, "", str(error)) from error
        return details

    def on(self, name: str, target: str) -> VariantOnTarget:
        """A variant on a target, with every figure of it; raises `BadInputError` where it was not measured there."""
        variant = self.variant(name)
        if target not in variant.targets:
            raise BadInputError(
                f"{name} was not measured on {target!r}, only on {listed(variant.targets)}: "
                f"run 'stage=[profile,publish]' target={target}"
            )
        return VariantOnTarget(variant, target, self.details, lambda line: self.predicted.update({line: None}))

    def frontier(self, task: str, target: str, metrics: Sequence[str] = RANKED_BY) -> list[Published]:
        """The published variants that no other one dominates in `metrics`, the best in the first metric first.

        Dominance uses the 95 % intervals (`porting.repository.frontier`). A variant without a rank in a metric is left
        out: its figure is unknown or disturbed, or its accuracy is flagged. One that was not evaluated on any data
        comes last. Raises `BadInputError` for an unknown task, target or metric.
        """
        found = self.dominance(task, target, metrics)
        chosen = [variant for variant in self.measured(task, target) if found[variant.name].on_frontier]
        first = compared_by(metrics[0])
        return sorted(chosen, key=lambda one: rank_value(first, one.targets[target].figures), reverse=True)

    def dominance(self, task: str, target: str, metrics: Sequence[str] = RANKED_BY) -> "dict[str, Dominance]":
        """The dominator or the ties of each published variant among those of its task on a target."""
        found = [
            Candidate(one.name, one.validation_accuracy, one.targets[target].figures)
            for one in self.measured(task, target)
        ]
        return placed(found, metrics)

    def measured(self, task: str, target: str) -> list[Published]:
        """The published variants of a task that were measured on a target; raises `BadInputError` for unknown names."""
        for value, choices, what in ((task, self.tasks, "task"), (target, self.targets, "target")):
            if value not in choices:
                raise BadInputError(f"unknown {what} {value!r}: choices are {listed(choices)}")
        return [variant for variant in self.index.variants if variant.task == task and target in variant.targets]

    def to_pandas(self) -> "pd.DataFrame":
        """One row for each variant and target: its identity, each figure, and the ends of its interval."""
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise BadInputError("a table needs pandas, which is not installed: pip install pandas") from error
        rows = []
        for variant in self.index.variants:
            for target, standing in variant.targets.items():
                row: dict[str, Any] = {
                    "variant": variant.name, "task": variant.task, "target": target, "backbone": variant.backbone,
                    "technique": " ".join(variant.technique), "precision": variant.precision,
                    "version": variant.version, "level": standing.level, "batch": standing.batch,
                    "concurrency": standing.concurrency, "verdict": standing.verdict,
                    "others_share": standing.others_share, "on_frontier": standing.on_frontier,
                }  # fmt: skip
                for name, (value, low, high) in standing.figures.items():
                    row |= {name: value, f"{name}_low": low, f"{name}_high": high}
                rows.append(row)
        return pd.DataFrame(rows)


def listed(names: Collection[str]) -> str:
    """The first twenty names as a text."""
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(islice(names, LISTED)) + rest
