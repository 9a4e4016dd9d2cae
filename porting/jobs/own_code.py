"""The version of the project's own code that decides the results of a stage: a digest of its sources.

The digest is that of the module that does the work and of the project's modules that it imports, also inside functions.
It is computed from the files, without an import of them. Comments, docstrings and the layout do not change it.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from porting.configuration.components import PACKAGES
from porting.configuration.stage_table import row_of

ROOT = Path(__file__).parents[2]
FOLDER = ("porting", "stages")
# These packages and modules carry settings and records, confine, or measure: no weight and no file depends on them. The
# machine, the target and the settings of a measurement are in the recipe.
CARRIERS = (
    "porting.common", "porting.configuration.annotations", "porting.configuration.components",
    "porting.configuration.config_folders", "porting.configuration.recorded", "porting.configuration.settings",
    "porting.configuration.stage_table", "porting.jobs", "porting.repository", "porting.workspace.known_digest",
    "porting.workspace.records", "porting.workspace.workspace", "profiler.common", "profiler.confined",
    "profiler.profiling", "profiler.records", "profiler.system", "profiler.target",
)  # fmt: skip


def code_versions(stage: str) -> dict[str, str]:
    """The digest of the sources of a stage, under the name of the module that does its work."""
    module = ".".join((*FOLDER, f"{row_of(stage).module}_work"))
    return {module: sources_digest(module)}


@cache
def sources_digest(module: str) -> str:
    """The SHA-256 of all sources that decide the results of a module."""
    found: dict[str, str] = {}
    wanted = [module]
    while wanted:
        name = wanted.pop()
        if name not in found and (source := read(name)) is not None:
            found[name] = source.code
            wanted += source.imports
    return hashlib.sha256("\0".join(f"{name}\0{found[name]}" for name in sorted(found)).encode()).hexdigest()


class Source(NamedTuple):
    """The code of a module, and the modules that it imports."""

    code: str
    imports: tuple[str, ...]


@cache
def read(module: str) -> Source | None:
    """The source of a module of the project that decides results; `None` for any other module."""
    file = source_file(module)
    if file is None:
        return None
    tree = ast.parse(file.read_bytes())
    return Source(code_of(tree), tuple(imported(tree)))


def source_file(module: str) -> Path | None:
    """The file of a module of the project that decides results; `None` for any other module."""
    carried = any(module == one or module.startswith(f"{one}.") for one in CARRIERS)
    if carried or module.partition(".")[0] not in PACKAGES:
        return None
    place = ROOT.joinpath(*module.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def code_of(tree: ast.Module) -> str:
    """The code without comments, docstrings and places in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            del node.body[0]
    return ast.dump(tree)


def imported(node: ast.AST) -> Iterator[str]:
    """Yields the modules that a source imports while it runs; a name from a module may be a module too."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.If) and isinstance(inner.test, ast.Name) and inner.test.id == "TYPE_CHECKING":
            continue
        if isinstance(inner, ast.Import):
            yield from (one.name for one in inner.names)
        elif isinstance(inner, ast.ImportFrom) and inner.module and not inner.level:
            yield from (inner.module, *(f"{inner.module}.{one.name}" for one in inner.names))
        else:
            yield from imported(inner)
