"""Mutants: small errors in the source, read from `mutants.toml` and put into a copy of the tree."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from import_circles import ROOMS, ROOT

TABLE = Path(__file__).with_name("mutants.toml")
FIX = f"change its line in {TABLE.name} with the code"


@dataclass(frozen=True)
class Mutant:
    """A name, the wrong text in its definition, and the test files that must find the error.

    `name` is that of a function, of a method as `Class.method`, or of a constant. The end of its file's path may come
    before it, as in `trivial/plan:solve`.
    """

    name: str
    old: str
    new: str
    tests: tuple[str, ...]
    alone: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.old!r} -> {self.new!r}"


def read_mutants(path: Path = TABLE) -> list[Mutant]:
    """The mutants of a table, in its order."""
    rules = tomllib.loads(path.read_text())["rules"]
    return [
        Mutant(name, old, new, tuple(rule["tests"]), rule.get("alone", False))
        for rule in rules
        for name, old, new in rule["mutants"]
    ]


def mutated(mutant: Mutant, root: Path = ROOT) -> tuple[Path, str]:
    """The file below `root` with the mutant's definition, and its text with the error.

    Raises `ValueError` where not exactly one file has the text once in a definition of that name.
    """
    found = []
    end, _, name = mutant.name.rpartition(":")
    for path in sources(root):
        if not end or path.with_suffix("").as_posix().endswith(f"/{end}"):
            found += [(path, text) for text in changed(path, name, mutant)]
    if len(found) != 1:
        places = ", ".join(str(path.relative_to(root)) for path, _ in found) or "no file"
        raise ValueError(f"{mutant}: {places} has that text once in that definition, and one must: {FIX}")
    return found[0]


@cache
def sources(root: Path) -> tuple[Path, ...]:
    """The files of the five packages."""
    return tuple(sorted(path for room in ROOMS for path in (root / room).rglob("*.py")))


@cache
def parsed(path: Path) -> tuple[list[str], list[ast.stmt]]:
    """The lines and the statements of a file."""
    text = path.read_text()
    return text.splitlines(keepends=True), ast.parse(text).body


def changed(path: Path, name: str, mutant: Mutant) -> Iterator[str]:
    """The text of a file with the error, for each definition of that name that has the old text once."""
    lines, statements = parsed(path)
    for node in definitions(statements, name):
        before, inside = lines[: node.lineno - 1], "".join(lines[node.lineno - 1 : node.end_lineno])
        if inside.count(mutant.old) == 1:
            yield "".join([*before, inside.replace(mutant.old, mutant.new), *lines[node.end_lineno :]])


def definitions(body: list[ast.stmt], name: str) -> Iterator[ast.stmt]:
    """The functions, classes and assignments of that name among some statements."""
    first, _, rest = name.partition(".")
    for node in body:
        if first in names_of(node):
            yield from definitions(node.body, rest) if rest and isinstance(node, ast.ClassDef) else [node]


def names_of(node: ast.stmt) -> set[str]:
    """The names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
