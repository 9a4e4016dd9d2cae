"""Rules on a repository that this program published: every file is as its digest says, and none is beside."""

from collections.abc import Iterator
from pathlib import Path

from porting.repository.lint.finding import Finding, clean
from porting.repository.lint.tree import Tree
from porting.repository.reader import DETAILS, INDEX, Repository
from porting.repository.serving import problems
from profiler.common.errors import BadInputError


def published_rules(tree: Tree, names: list[str], public_key: Path | None) -> Iterator[Finding]:
    """What is not as it was published; nothing for a folder that was never published, unless it was to be signed."""
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
