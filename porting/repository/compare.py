"""The changes from one repository to another, and the losses of a publication since the one before it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from porting.repository.figures import every_metric
from porting.repository.reader import Repository
from porting.repository.schema import Figure, Published, Standing
from porting.repository.variant_files import MODEL_FILE
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Change:
    """A change of a variant, of its file, of its place on the frontier, or of a figure beyond its interval."""

    variant: str
    target: str
    what: str
    before: str
    after: str


def compare(before: Repository, after: Repository) -> list[Change]:
    """Every change between two repositories; a figure moved where its two measurements differ."""
    return [change for name in sorted({*before.by_name, *after.by_name}) for change in changes(before, after, name)]


def changes(before: Repository, after: Repository, name: str) -> Iterator[Change]:
    """The changes of one variant."""
    old, new = before.by_name.get(name), after.by_name.get(name)
    if old is None or new is None:
        yield Change(name, "", "variant", *presence(old, new, "published"))
        return
    if old.onnx_sha256 != new.onnx_sha256:
        yield Change(name, "", "file", described(old), described(new))
    for target in sorted({*old.targets, *new.targets}):
        one, other = old.targets.get(target), new.targets.get(target)
        if one is None or other is None:
            yield Change(name, target, "target", *presence(one, other, "measured"))
        else:
            yield from moves(name, target, one, other)


def presence(old: object, new: object, word: str) -> tuple[str, str]:
    """The texts for something that appeared or vanished."""
    return word if old else "absent", word if new else "vanished"


def described(variant: Published) -> str:
    """The version and the digest of a variant's file."""
    return f"version {variant.version}, sha256 {variant.onnx_sha256[:12]}"


def moves(name: str, target: str, before: Standing, after: Standing) -> Iterator[Change]:
    """The figures that moved, appeared or vanished, and a change of the place on the frontier."""
    for metric in every_metric({*before.figures, *after.figures}):
        one, other = before.figures.get(metric), after.figures.get(metric)
        if moved(one, other):
            yield Change(name, target, metric, shown(one), shown(other))
    if before.on_frontier != after.on_frontier:
        yield Change(name, target, "on the frontier", *("yes" if one.on_frontier else "no" for one in (before, after)))


def moved(one: Figure | None, other: Figure | None) -> bool:
    """Whether a figure appeared or vanished, or its two measurements differ."""
    if one is None or other is None:
        return one is not other
    return differ(one, other)


def shown(figure: Figure | None) -> str:
    """A figure with its interval."""
    if figure is None:
        return "unknown"
    value, low, high = figure
    return f"{value:.5g}" if low is None or high is None or low == high else f"{value:.5g} [{low:.5g}, {high:.5g}]"


def removed(before: Repository, now: Repository) -> Iterator[str]:
    """One line for each removed variant, target and version, with the reason."""
    entries = {one.name: one for one in (*now.index.variants, *now.index.dropped)}
    for old in (*before.index.variants, *before.index.dropped):
        new = entries.get(old.name)
        if new is None:
            yield f"{old.name} is no longer published: neither the workspace nor publish.merge_from has a profile of it"
            continue
        for target in sorted(old.targets.keys() - new.targets.keys()):
            yield f"{old.name} is no longer published on {target}: it has no finished profile there"
        if isinstance(old, Published) and isinstance(new, Published):
            yield from removed_versions(before, now, old.name)
        elif isinstance(old, Published):
            winners = ", ".join(f"{one.dominated_by} on {target}" for target, one in new.targets.items())
            yield f"{old.name} can no longer be loaded: it is dominated by {winners}"


def removed_versions(before: Repository, now: Repository, name: str) -> Iterator[str]:
    """The lines for the older versions of a file that were damaged."""
    try:
        old = before.details(name).files
    except BadInputError as error:
        yield f"the older versions of {name} are no longer published: {error}"
        return
    for path in sorted(old.keys() - now.details(name).files.keys()):
        if MODEL_FILE.fullmatch(path):
            yield f"{name}/{path} is no longer published: it was damaged"


NORMAL_95 = 1.96
# Two measurements of one thing are called different once in fifty times.
LEVEL = 0.02
NORMAL_AT_LEVEL = 2.326


def differ(one: Figure, other: Figure) -> bool:
    """Whether the logarithms of two figures differ at the level `LEVEL`, which takes an interval of both.

    The standard error of each is read from its interval (JCGM 100:2008, 4.3.4), and both are independent.
    """
    errors = [standard_error(figure) for figure in (one, other)]
    known = [error for error in errors if error is not None]
    if len(known) < len(errors) or one[0] <= 0 or other[0] <= 0:
        return False
    return abs(math.log(other[0] / one[0])) > NORMAL_AT_LEVEL * math.hypot(*known)


def standard_error(figure: Figure) -> float | None:
    """The relative standard error of a figure, `None` where its interval is unknown."""
    _, low, high = figure
    return None if not low or not high else math.log(high / low) / (2 * NORMAL_95)
