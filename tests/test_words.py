"""The names of the source have no word that the glossary replaces."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

ROOMS = ("backbones", "datamodules", "profiler", "porting", "orchestrators", "scripts")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
# `HTTPServer2` has the words "http" and "server".
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def replaced(page: str) -> dict[str, str]:
    """The words of the glossary's table "not used", each with the word of the field."""
    _, _, section = page.partition("\n## Words that are not used\n")
    rows = re.findall(r"^\| ([a-z, ]+) \| ([^|]+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    pairs = [(words, used) for words, used in rows if words != "not used"]
    return {word: used.strip() for words, used in pairs for word in words.split(", ")}


REPLACED = replaced(GLOSSARY)


def names(source: str) -> Iterator[str]:
    """The names of functions, classes, arguments, variables and fields that a source text defines."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def words(name: str) -> set[str]:
    """The words of a name in lower case."""
    return {word.lower() for word in WORD.findall(name)}


def faults(place: str, source: str) -> list[str]:
    """The names of a file with a replaced word, each with the word of the field."""
    found = {*names(source), *Path(place).with_suffix("").parts}
    return [f"{name}: {REPLACED[word]}" for name in sorted(found) for word in sorted(words(name) & REPLACED.keys())]


def test_the_glossary_names_replaced_words_and_their_replacements() -> None:
    assert len(REPLACED) > 20
    assert [word for word, used in REPLACED.items() if not used or word in words(used)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_name_of_the_source_has_a_replaced_word(room: str) -> None:
    paths = sorted((ROOT / room).rglob("*.py"))
    assert REPLACED
    assert paths
    found = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    assert {place: wrong for place, source in found.items() if (wrong := faults(place, source))} == {}


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("porting/{}_files.py", ""),
        ("porting/{}/files.py", ""),
        ("porting/files.py", "def the_{}(): pass"),
        ("porting/files.py", "async def the_{}(): pass"),
        ("porting/files.py", "class My{}: pass"),
        ("porting/files.py", "def work(*, {}_s): pass"),
        ("porting/files.py", "work = lambda {}: 0"),
        ("porting/files.py", "class One:\n    {}_ms: float"),
        ("porting/files.py", "one.{} = 1"),
        ("porting/files.py", "for {} in items: pass"),
    ],
)
def test_a_replaced_word_is_found_in_every_kind_of_name(place: str, source: str) -> None:
    word = next(iter(REPLACED))
    used = word.capitalize() if "class My" in source else word
    assert [fault.partition(": ")[2] for fault in faults(place.format(word), source.format(used))] == [REPLACED[word]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("p99_ms", {"p", "ms"}),
        ("LoadPoint", {"load", "point"}),
        ("HTTPServer2", {"http", "server"}),
        ("SEAL_LENGTH", {"seal", "length"}),
    ],
)
def test_a_name_is_split_at_underscores_digits_and_capitals(name: str, expected: set[str]) -> None:
    assert words(name) == expected
