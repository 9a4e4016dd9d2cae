"""The table of mutants fits the code, and a mutant changes what it names and nothing else."""

import ast
from pathlib import Path

import mutants
import pytest
from mutation import Mutant, mutated, read_mutants
from support import ROOT

MUTANTS = read_mutants()


def made(tmp_path: Path, files: dict[str, str]) -> Path:
    """A tree of those files."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def mutant(name: str, old: str = "1", new: str = "2") -> Mutant:
    return Mutant(name, old, new, ("test_any",), False)


def test_there_are_enough_of_them_and_no_two_are_the_same() -> None:
    assert len(MUTANTS) >= 150
    assert len({(one.name, one.old, one.new) for one in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("one", MUTANTS, ids=str)
def test_every_mutant_has_one_place_and_leaves_valid_python_that_differs(one: Mutant) -> None:
    path, text = mutated(one)
    assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(path.read_text()))


def test_every_rule_names_test_files_that_exist() -> None:
    named = {name for one in MUTANTS for name in one.tests}
    assert named
    assert [name for name in named if len(list((ROOT / "tests").rglob(f"{name}.py"))) != 1] == []


@pytest.mark.parametrize("name", ["f", "C.f", "C.LIMIT", "LIMIT", "C", "deep/x:LIMIT"])
def test_a_mutant_changes_the_definition_of_its_name_alone(tmp_path: Path, name: str) -> None:
    parts = {
        "f": "def f():\n    return {}\n",
        "LIMIT": "LIMIT = {}\n",
        "C": "@wrapped({})\nclass C:\n    pass\n",
        "C.f": "class C:\n    def f(self):\n        return {}\n",
        "C.LIMIT": "class C:\n    LIMIT: int = {}\n",
        "other": "OTHER = 1\n",
    }
    wanted = name.rpartition(":")[2]
    text = parts[wanted].format(1) + parts["other"]
    root = made(tmp_path, {"porting/deep/x.py": text})
    if wanted == "C":
        with pytest.raises(ValueError, match="no file has that text once"):
            mutated(mutant(name), root)
    else:
        assert mutated(mutant(name), root) == (root / "porting/deep/x.py", parts[wanted].format(2) + parts["other"])


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"porting/x.py": "def other():\n    return 1\n"}, "no file has that text once"),
        ({"porting/x.py": "def f():\n    return 3\n"}, "no file has that text once"),
        ({"porting/x.py": "def f():\n    return 1 + 1\n"}, "no file has that text once"),
        (
            {"porting/x.py": "def f():\n    return 1\n", "profiler/y.py": "def f():\n    return 1\n"},
            "porting/x.py, prof",
        ),
    ],
    ids=["no such name", "no such text", "the text twice", "the name twice"],
)
def test_a_mutant_without_one_place_is_an_error(tmp_path: Path, files: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        mutated(mutant("f"), made(tmp_path, files))


def test_a_test_that_fails_finds_a_mutant_and_one_that_passes_does_not(tmp_path: Path) -> None:
    tests = {
        "tests/test_good.py": "def test_it():\n    assert 1\n",
        "tests/test_bad.py": "def test_it():\n    assert 0\n",
    }
    root = made(tmp_path, tests)
    assert mutants.passes(root, ["test_good"], alone=False)
    assert not mutants.passes(root, ["test_good", "test_bad"], alone=True)
    with pytest.raises(ValueError, match="each is the name of one file below tests/"):
        mutants.passes(root, ["test_gone"], alone=False)
