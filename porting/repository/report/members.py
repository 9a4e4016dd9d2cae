"""Whom the report speaks of: the variants of a task that were measured on a target."""

from porting.repository.report.drawing import COLOURS
from porting.repository.schema import Index, Standing, Summary

Member = tuple[Summary, Standing]
# The colour of each precision.
PRECISIONS = {"fp32": COLOURS[0], "int8": COLOURS[1], "fp16": COLOURS[2]}


def panels(index: Index) -> list[tuple[str, str]]:
    """Every pair of task and target that has a variant."""
    everyone = (*index.variants, *index.dropped)
    return sorted({(variant.task, target) for variant in everyone for target in variant.targets})


def members(index: Index, task: str, target: str) -> list[Member]:
    """The variants of a task that were measured on a target, published or dropped, the most accurate first."""
    found = [v for v in (*index.variants, *index.dropped) if v.task == task and target in v.targets]
    found.sort(key=lambda v: v.validation_accuracy.value if v.validation_accuracy else -1.0, reverse=True)
    return [(variant, variant.targets[target]) for variant in found]
