"""Checks between the values of a repository, each of which may be valid by itself."""

import math
import re
from collections.abc import Mapping
from typing import Any

from porting.repository.schema import LARGEST, Details, Figure, Published, Standing, Summary
from porting.repository.standing import RANKED_BY, Candidate, standing_of, unranked
from profiler.common.batching import MAX_BATCH
from profiler.records.complexity import Fingerprint
from profiler.records.profile import Profile

FIGURE_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")
MOST_VARIANTS = 150_000
# The fields of a variant that the index and its details share.
SHARED_FIELDS = (
    "name", "task", "backbone", "precision", "valid_on", "onnx_sha256", "validation_accuracy", "test_accuracy",
    "flags",
)  # fmt: skip


class IndexCheck:
    """Checks the entries of an index against each other, in one pass because an index may have many."""

    def __init__(self, targets: Mapping[str, Fingerprint]) -> None:
        self._targets = targets
        self._names: set[str] = set()
        self._others: set[str] = set()
        self._figures: set[str] = set()
        for target, fingerprint in targets.items():
            for value in dict(fingerprint).values():
                texts = value if isinstance(value, list) else [value]
                # Terminals and reports cannot show other characters.
                if not all(text.isprintable() for text in texts if isinstance(text, str)):
                    raise ValueError(f"the fingerprint of {target} has characters that cannot be shown")

    def add(self, entry: Summary) -> None:
        """Raises `ValueError` where the entry contradicts the earlier entries."""
        name = entry.name
        if name in self._names:
            raise ValueError(f"two variants are named {name}")
        self._names.add(name)
        for accuracy in (entry.validation_accuracy, entry.test_accuracy):
            if accuracy is not None and not accuracy.low <= accuracy.value <= accuracy.high:
                check_interval(name, "accuracy", (accuracy.value, accuracy.low, accuracy.high))
        for target, standing in entry.targets.items():
            if target not in self._targets:
                raise ValueError(f"{name} has figures on {target}, which has no fingerprint")
            self._add_standing(Candidate(name, entry.validation_accuracy, standing.figures), standing)

    def _add_standing(self, one: Candidate, standing: Standing) -> None:
        name, figures = one.name, standing.figures
        for value, low, high in figures.values():
            if (low is not None and low > value) or (high is not None and high < value):
                for figure, ends in figures.items():
                    check_interval(name, figure, ends)
        self._figures.update(figures, standing.unknown)
        if not figures.keys().isdisjoint(standing.unknown):
            raise ValueError(f"{name} has a figure that is also unknown")
        winner, ties = standing.dominated_by, standing.ties_with
        best = winner is None and not unranked(one, RANKED_BY)
        if standing.on_frontier != best or winner == name or name in ties:
            raise ValueError(f"{name} is on the frontier and dominated, or neither, or compared with itself")
        if winner is not None:
            self._others.add(winner)
        if ties:
            self._others.update(ties)
        if len(self._others) > MOST_VARIANTS:
            raise ValueError(f"{name} is compared with more variants than an index has")

    def finish(self) -> None:
        """Raises `ValueError` for references and names that no entry of the index explains."""
        if unknown := self._others - self._names:
            raise ValueError(f"a variant is compared with {min(unknown)[:64]!r}, which is not in the index")
        for figure in self._figures:
            if not FIGURE_NAME.fullmatch(figure):
                raise ValueError(f"{figure[:64]!r} is no name of a figure")


def check_interval(name: str, figure: str, ends: Figure) -> None:
    """Raises `ValueError` for a value outside of its interval by more than rounding."""
    value, low, high = ends
    within = (low is None or low <= value or math.isclose(low, value)) and (
        high is None or value <= high or math.isclose(high, value)
    )
    if not within:
        raise ValueError(f"{name}: {figure} {value:g} is outside of its interval")


def check_details(details: Details, variant: Published, targets: Mapping[str, Fingerprint]) -> None:
    """Raises `ValueError` where the details of a variant contradict its entry in the index."""
    for field in SHARED_FIELDS:
        if getattr(details, field) != getattr(variant, field):
            raise ValueError(f"its {field} is not that of the index")
    if details.profiles.keys() != variant.targets.keys():
        raise ValueError("it has profiles of other targets than the index")
    for target, profile in details.profiles.items():
        if profile.fingerprint != targets[target]:
            raise ValueError(f"its fingerprint on {target} is not that of the index")
        if profile.target_name != target:
            raise ValueError(f"its profile on {target} is of another target")
        check_batches(profile)
        standing = variant.targets[target]
        if standing_of(details, profile, standing.dominated_by, standing.ties_with) != standing:
            raise ValueError(f"its figures on {target} are not those of the index")


def check_batches(profile: Profile) -> None:
    """Raises `ValueError` for a batch above the largest that is served."""
    batches = [*(point.batch for point in profile.latency), *(point.batch for point in profile.max_throughput)]
    if max(batches, default=1) > MAX_BATCH:
        raise ValueError(
            f"its profile on {profile.target_name} has a batch above {MAX_BATCH}, the largest that is served"
        )


def check_numbers(tree: Any) -> None:
    """Raises `ValueError` for a number in a JSON value that is not finite or exceeds every possible measurement."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, int | float) and not -LARGEST <= value <= LARGEST:
            raise ValueError("a number is not finite or larger than every possible measurement")
