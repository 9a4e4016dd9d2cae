"""The variants, targets and versions that a publication has lost since the one before it."""

from collections.abc import Iterator

from porting.repository.reader import Repository
from porting.repository.schema import Published, Summary
from porting.repository.variant_files import MODEL_FILE
from profiler.common.errors import BadInputError


def removed(before: Repository, now: Repository) -> Iterator[str]:
    """One line for each removed variant, target and version, with the reason."""
    entries = {one.name: one for one in (*now.index.variants, *now.index.dropped)}
    for old in (*before.index.variants, *before.index.dropped):
        new = entries.get(old.name)
        if new is None:
            yield f"{old.name} is not in any more: neither the workspace nor publish.merge_from has it with a profile"
            continue
        yield from removed_targets(old, new)
        if isinstance(old, Published) and isinstance(new, Published):
            yield from removed_versions(before, now, old.name)


def removed_targets(old: Summary, new: Summary) -> Iterator[str]:
    """The lines for the removed targets of a known variant, and for one that is dominated now."""
    for target in sorted(old.targets.keys() - new.targets.keys()):
        yield f"{old.name} is not in on {target} any more: it has no finished profile there"
    if isinstance(old, Published) and not isinstance(new, Published):
        winners = ", ".join(f"{one.dominated_by} on {target}" for target, one in new.targets.items())
        yield f"{old.name} can not be loaded any more: it is dominated by {winners}"


def removed_versions(before: Repository, now: Repository, name: str) -> Iterator[str]:
    """The lines for older versions of a file that are gone because they were damaged."""
    try:
        old = before.details(name).files
    except BadInputError as error:
        yield f"the versions of {name} before the present one are not in any more: {error}"
        return
    for path in sorted(old.keys() - now.details(name).files.keys()):
        if MODEL_FILE.fullmatch(path):
            yield f"{name}/{path} is not in any more: it was damaged"
