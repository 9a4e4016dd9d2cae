"""The changes from one repository to another."""

from collections.abc import Iterator
from dataclasses import dataclass

from porting.repository.difference import differ
from porting.repository.figures import METRICS
from porting.repository.reader import Repository
from porting.repository.schema import Figure, Published, Standing


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
        yield Change(name, "", "variant", "published" if old else "not there", "published" if new else "vanished")
        return
    if old.onnx_sha256 != new.onnx_sha256:
        yield Change(name, "", "file", described(old), described(new))
    for target in sorted({*old.targets, *new.targets}):
        one, other = old.targets.get(target), new.targets.get(target)
        if one is None or other is None:
            yield Change(
                name, target, "target", "measured" if one else "not there", "measured" if other else "vanished"
            )
        else:
            yield from moves(name, target, one, other)


def described(variant: Published) -> str:
    """The version and the digest of a variant's file."""
    return f"version {variant.version}, sha256 {variant.onnx_sha256[:12]}"


def moves(name: str, target: str, before: Standing, after: Standing) -> Iterator[Change]:
    """The figures that moved, appeared or vanished, and the place on the frontier."""
    for metric in METRICS:
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
