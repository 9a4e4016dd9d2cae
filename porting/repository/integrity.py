"""The integrity of a published repository: every file is the one that was published, and no other file is there."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from porting.repository.reader import DETAILS, INDEX, Repository
from porting.repository.signature import SIGNATURE
from porting.repository.variant_files import FILE_LIMIT_BYTES, VariantFiles, check_listed
from profiler.common.errors import BadInputError
from profiler.triton.lint.model import Finding, clean
from profiler.triton.lint.tree import Tree


def problems(repository: Repository) -> Iterator[tuple[str, BadInputError]]:
    """The deviations from what was published, by variant; the name is empty for files beside the variants."""
    try:
        check_beside(repository)
    except BadInputError as error:
        yield "", error
    for name in repository.by_name:
        try:
            VariantFiles.of(repository, name).check()
        except BadInputError as error:
            yield name, error


def check_beside(repository: Repository) -> None:
    """Raises `BadInputError` where a file beside the variants is not the one of the index."""
    root, due = repository.storage, repository.index.files
    for path, digest in due.items():
        if hashlib.sha256(root.read(*path.split("/"), limit_bytes=FILE_LIMIT_BYTES)).hexdigest() != digest:
            raise BadInputError(f"{root}/{path} is not the file that was published: publish again")
    found = root.paths()
    if found is not None:
        beside = {path for path in found if path.partition("/")[0] not in repository.by_name}
        check_listed(str(root), beside, {INDEX, SIGNATURE, *due})


def check_whole(repository: Repository) -> None:
    """Raises `BadInputError` for a file of the repository that was changed or was not published."""
    for _, error in problems(repository):
        raise error


def is_whole(repository: Repository) -> bool:
    """Whether the repository has exactly the published files, unchanged."""
    return next(problems(repository), None) is None


def published_rules(root: Path, public_key: Path | None = None) -> Iterator[Finding]:
    """The deviations of a folder from what was published, as lint findings.

    With the file of a `public_key`, a missing or foreign signature is one too. A folder that was never published has
    none without a key. Raises `BadInputError` where `root` is no folder.
    """
    tree = Tree(root)
    names = tree.names("")
    details = any(tree.place(f"{name}/{DETAILS}").kind == "file" for name in names)
    if INDEX not in names and not details and public_key is None:
        return
    try:
        repository = Repository.load(tree.root, public_key)
    except BadInputError as error:
        yield found("", INDEX, error)
        return
    for name, problem in problems(repository):
        yield found(name, ".", problem)


def found(name: str, file: str, error: BadInputError) -> Finding:
    """The lint finding of an error in a published file."""
    return Finding(name, file, "published", "error", "here", clean(str(error)))
