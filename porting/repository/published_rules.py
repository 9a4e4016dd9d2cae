"""Rules on a repository that this program published: every file is as its digest says, and none is beside."""

from collections.abc import Iterator
from pathlib import Path

from porting.repository.reader import DETAILS, INDEX, Repository
from porting.repository.serving import problems
from profiler.common.errors import BadInputError
from profiler.triton.lint.finding import Finding, clean
from profiler.triton.lint.tree import Tree


def published_rules(root: Path, public_key: Path | None = None) -> Iterator[Finding]:
    """What is not as it was published, and with the file of a `public_key` what is not signed with its private key.

    Nothing for a folder that was never published, unless it was to be signed. Raises `BadInputError` where `root` is
    no folder.
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
    return Finding(name, file, "published", "error", "here", clean(str(error)))
