"""The folders that import each other, directly or through others."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("backbones", "datamodules", "profiler", "porting", "orchestrators")
# A string with a module name, for an import at a later time or in another process.
NAMED = re.compile(rf"({'|'.join(ROOMS)})((\.\w+)+\.?|\.)")


def imported_names(tree: ast.AST) -> set[str]:
    """The project's dotted names that a source imports, also inside functions, or names in a string."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and NAMED.fullmatch(node.value):
            names.add(node.value.rstrip("."))
    return {name for name in names if name.partition(".")[0] in ROOMS}


def imported_folders(source: str, root: Path = ROOT) -> set[str]:
    """The folders below `root` that a source imports from, or names as a string."""
    return {folder_of(name, root) for name in imported_names(ast.parse(source))}


def folder_of(name: str, root: Path = ROOT) -> str:
    """The folder of the longest part of a dotted name that is a module or a package."""
    path = root.joinpath(*name.split("."))
    while not path.is_dir():
        if path.with_suffix(".py").is_file():
            return str(path.parent.relative_to(root))
        path = path.parent
    return str(path.relative_to(root))


def folder_imports(root: Path = ROOT) -> dict[str, set[str]]:
    """The other folders that the files of a folder import, by folder of source."""
    arrows: dict[str, set[str]] = {}
    for path in (path for room in ROOMS for path in (root / room).rglob("*.py")):
        folder = str(path.parent.relative_to(root))
        arrows.setdefault(folder, set()).update(imported_folders(path.read_text(), root) - {folder})
    return arrows


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of two or more nodes in which each node reaches every other one, sorted."""
    reached = {node: reachable(node, arrows) for node in arrows}
    groups = {
        tuple(sorted({other for other in found if node in reached.get(other, ())})) for node, found in reached.items()
    }
    return sorted(list(group) for group in groups if len(group) > 1)


def reachable(start: str, arrows: Mapping[str, set[str]]) -> set[str]:
    """The nodes to which one or more arrows lead from `start`."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = arrows.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found
