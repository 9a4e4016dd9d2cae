"""The documented Python interface is exactly what the modules export."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from support import ROOT

ROW = re.compile(r"\| `([\w.]+)` \| [^|]+ \| ([^|]+) \|")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
DOCUMENTED = {
    module: set(re.findall(r"`(\w+)`", names))
    for module, names in ROW.findall((ROOT / "docs" / "interface.md").read_text())
}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def imports(page: str) -> list[tuple[str, str]]:
    """What the Python examples of a page import from a documented module, as pairs of module and name."""
    found: list[tuple[str, str]] = []
    for block in PYTHON.findall(page):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module in DOCUMENTED:
                found += [(node.module, alias.name) for alias in node.names]
    return found


def exporting(room: str) -> set[str]:
    """The modules of a room that have `__all__`."""
    paths = [path for path in (ROOT / room).rglob("*.py") if re.search(r"^__all__\b", path.read_text(), re.MULTILINE)]
    dotted = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return {name.removesuffix(".__init__") for name in dotted}


@pytest.mark.parametrize("module", DOCUMENTED)
def test_a_module_exports_exactly_what_is_documented(module: str) -> None:
    assert set(importlib.import_module(module).__all__) == DOCUMENTED[module]


@pytest.mark.parametrize("module", DOCUMENTED)
def test_every_exported_name_exists(module: str) -> None:
    found = importlib.import_module(module)
    # The profiler exports nothing, as it is a command.
    assert found.__all__ or module == "profiler"
    assert [name for name in found.__all__ if not hasattr(found, name)] == []


def test_every_module_of_the_orchestrators_that_exports_something_is_documented() -> None:
    assert exporting("orchestrators") | {"porting.repository", "profiler"} == set(DOCUMENTED)


def test_the_examples_of_the_documentation_import_exported_names_alone() -> None:
    pairs = [pair for page in PAGES for pair in imports(page.read_text())]
    assert ("porting.repository", "Repository") in pairs
    assert [(module, name) for module, name in pairs if name not in DOCUMENTED[module]] == []


def test_a_name_that_is_not_exported_would_be_found_in_an_example() -> None:
    assert imports("```python\nfrom porting.repository import reader\n```") == [("porting.repository", "reader")]
    assert "reader" not in DOCUMENTED["porting.repository"]


def test_types_are_told_to_whoever_imports_a_package() -> None:
    rooms = [path.parent for path in ROOT.glob("*/__init__.py")]
    assert {room.name for room in rooms} >= {"backbones", "datamodules", "profiler", "porting", "orchestrators"}
    assert [room.name for room in rooms if not (Path(room) / "py.typed").is_file()] == []
