"""Figures of the source from its syntax trees: sizes, docstrings, types, names."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from import_circles import ROOMS, ROOT

LONGEST_FUNCTION = 40
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """The files of the five packages, and their syntax trees by path."""

    root: Path
    texts: dict[Path, str]
    trees: dict[Path, ast.Module]


def read_source(root: Path = ROOT) -> Source:
    """The installed Python files of a checkout: `dnn_porting.py`, and those below the five packages."""
    paths = sorted([*root.glob("dnn_porting.py"), *(path for room in ROOMS for path in (root / room).rglob("*.py"))])
    texts = {path: path.read_text() for path in paths}
    return Source(root, texts, {path: ast.parse(text) for path, text in texts.items()})


def line_count(texts: dict[Path, str]) -> int:
    """The lines of the files, with blank lines and comments."""
    return sum(len(text.splitlines()) for text in texts.values())


def median_lines(source: Source) -> float:
    """The median number of lines of the files that are not empty."""
    return median([len(text.splitlines()) for text in source.texts.values() if text.strip()] or [0])


def lines_of_tests(root: Path) -> int:
    """The lines of the Python files below `tests/`."""
    return line_count({path: path.read_text() for path in (root / "tests").rglob("*.py")})


def names_twice(source: Source) -> list[str]:
    """The file names that exist twice or more, apart from `__init__.py`."""
    counted = Counter(path.name for path in source.texts if path.name != "__init__.py")
    return sorted(name for name, count in counted.items() if count > 1)


def functions(tree: ast.Module) -> Iterator[Function]:
    """The functions and methods of a file, with the inner ones."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def long_functions(source: Source) -> list[str]:
    """The functions of more than forty lines, from `def` to the last line, as `path:line name (lines)`."""
    found = []
    for path, tree in source.trees.items():
        for one in functions(tree):
            lines = (one.end_lineno or one.lineno) - one.lineno + 1
            if lines > LONGEST_FUNCTION:
                found.append(f"{place(source, path, one)} ({lines} lines)")
    return found


def typed(function: Function) -> bool:
    """Whether the result and every argument but `self` and `cls` have an annotation."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    arguments += [one for one in (function.args.vararg, function.args.kwarg) if one]
    return function.returns is not None and all(one.annotation or one.arg in ("self", "cls") for one in arguments)


def untyped(source: Source) -> list[str]:
    """The functions without an annotation, as `path:line name`."""
    found = [(path, one) for path, tree in source.trees.items() for one in functions(tree) if not typed(one)]
    return [place(source, path, one) for path, one in found]


def public_definitions(node: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """The classes, functions and methods without an underscore at the beginning of their own or their class's name."""
    for child in node.body:
        if isinstance(child, Definition) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child)


def undocumented(source: Source) -> list[str]:
    """The public classes, functions and methods without a docstring, as `path:line name`."""
    return [
        place(source, path, one)
        for path, tree in source.trees.items()
        for one in public_definitions(tree)
        if not ast.get_docstring(one)
    ]


def place(source: Source, path: Path, node: Definition) -> str:
    """The place of a definition, as `path:line name`."""
    return f"{path.relative_to(source.root)}:{node.lineno} {node.name}"
