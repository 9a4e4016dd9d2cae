"""Annotations read from a source are those of what it makes, or there is no answer."""

from itertools import count
from pathlib import Path

import pytest
import yaml
from support import ROOT

from porting.configuration.annotations import annotated_as_path
from porting.configuration.components import Component, locate, path_arguments
from porting.configuration.recorded import every

NUMBER = count()
CONFIGS = sorted(
    path
    for group in ("backbone", "datamodule", "pruner")
    for path in (ROOT / "conf" / group).glob("*.yaml")
    if "_target_" in path.read_text()
)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_source_of_each_component_of_a_config_says_what_the_imported_one_says(path: Path) -> None:
    components = every(Component.model_validate(yaml.safe_load(path.read_text())))
    assert components
    for component in components:
        # The name of a component is no argument of its callable.
        given = component.arguments().keys() - {"name"}
        assert annotated_as_path(component.target, given) == path_arguments(locate(component.target)) & given


def plugin(folder: Path, source: str) -> str:
    """A module of a name that no other test imports."""
    name = f"annotated_{next(NUMBER)}"
    (folder / f"{name}.py").write_text(source)
    return name


SETTLED = {
    "a path": "from pathlib import Path\ndef build(x: Path): ...",
    "a path by another name": "from pathlib import Path as P\ndef build(x: P): ...",
    "a union": "from pathlib import Path\ndef build(x: Path | None = None): ...",
    "a number": "def build(x: float): ...",
    "no annotation": "def build(x): ...",
    "a list": "from collections.abc import Sequence\ndef build(x: Sequence[int]): ...",
    "a choice": "from typing import Literal\nStem = Literal['Path', 'b']\ndef build(x: Stem): ...",
    "a class of its own": "class Path: ...\ndef build(x: Path): ...",
    "what a class is given": "from pathlib import Path\nclass build:\n    def __init__(self, x: Path): ...",
    "what its base is given": "class A:\n    def __init__(self, x: int): ...\nclass build(A): ...",
    "further arguments": "from typing import Any\ndef build(y: int = 0, **others: Any): ...",
}
NOT_SETTLED = {
    "a list of paths": "from pathlib import Path\ndef build(x: list[Path]): ...",
    "an alias": "from pathlib import Path\nFolder = Path\ndef build(x: Folder): ...",
    "a text": "from pathlib import Path\ndef build(x: 'Path'): ...",
    "a module's attribute": "import pathlib\ndef build(x: pathlib.Path): ...",
    "a decorator": "from functools import cache\nfrom pathlib import Path\n@cache\ndef build(x: Path): ...",
    "a dataclass": "from dataclasses import dataclass\nfrom pathlib import Path\n@dataclass\nclass build:\n    x: Path",
    "a base from elsewhere": "from string import Template\nclass build(Template): ...",
    "a name that is bound twice": "from pathlib import Path\nPath = str\ndef build(x: Path): ...",
    "a name under a condition": "if 1:\n    from pathlib import Path\nelse:\n    Path = str\ndef build(x: Path): ...",
    "a name among all of a module": "from pathlib import *\ndef build(x: Path): ...",
    "a callable that is made": "from pathlib import Path\ndef f(x: Path): ...\nbuild = f",
}


@pytest.mark.parametrize("source", SETTLED.values(), ids=SETTLED)
def test_a_source_that_settles_it_is_right(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    target = f"{plugin(tmp_path, source)}.build"
    assert annotated_as_path(target, ["x"]) == path_arguments(locate(target))


@pytest.mark.parametrize("source", NOT_SETTLED.values(), ids=NOT_SETTLED)
def test_what_a_source_does_not_settle_the_import_does(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    target = f"{plugin(tmp_path, source)}.build"
    assert annotated_as_path(target, ["x"]) is None
    arguments = Component.model_validate({"_target_": target, "x": "here"}).recipe()["arguments"]
    assert arguments == dict.fromkeys({"x"} - path_arguments(locate(target)), "here")


@pytest.mark.parametrize("target", ["nowhere.build", "json.nothing", "annotated_by.nobody.build", "math.sqrt"])
def test_without_a_source_there_is_no_answer(target: str) -> None:
    assert annotated_as_path(target, ["x"]) is None


def test_classes_that_inherit_from_each_other_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    name = plugin(tmp_path, "class build(other): ...\nclass other(build): ...")
    assert annotated_as_path(f"{name}.build", ["x"]) is None
