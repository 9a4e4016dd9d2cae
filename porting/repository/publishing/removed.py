"""What a publication does not have any more that the one before it had, and why."""

from collections.abc import Iterator

from porting.repository.reader import Repository
from porting.repository.schema import Published, Summary
from porting.repository.variant_files import MODEL_FILE
from profiler.common.errors import BadInputError


def removed(before: Repository, now: Repository) -> Iterator[str]:
    """One line for each variant, target and version that is not in any more."""
    entries = {one.name: one for one in (*now.index.variants, *now.index.dropped)}
    for old in (*before.index.variants, *before.index.dropped):
        new = entries.get(old.name)
        if new is None:
            yield f"{old.name} is not in any more: neither the workspace nor publish.merge_from has it with a profile"
            continue
        yield from places(old, new)
        if isinstance(old, Published) and isinstance(new, Published):
            yield from versions(before, now, old.name)


def places(old: Summary, new: Summary) -> Iterator[str]:
    """What became of one variant that is still known."""
    for target in sorted(old.targets.keys() - new.targets.keys()):
        yield f"{old.name} is not in on {target} any more: it has no finished profile there"
    if isinstance(old, Published) and not isinstance(new, Published):
        winners = ", ".join(f"{one.dominated_by} on {target}" for target, one in new.targets.items())
        yield f"{old.name} can not be loaded any more: it is dominated by {winners}"


def versions(before: Repository, now: Repository, name: str) -> Iterator[str]:
    """Older versions of a file that were damaged."""
    try:
        old = before.details(name).files
    except BadInputError as error:
        yield f"the versions of {name} before the present one are not in any more: {error}"
        return
    for path in sorted(old.keys() - now.details(name).files.keys()):
        if MODEL_FILE.fullmatch(path):
            yield f"{name}/{path} is not in any more: it was damaged"
