"""Every test can fail: it asserts something, and not only in a loop that may be empty."""

import ast
from pathlib import Path

import pytest
from assertions import TESTS, asserting, faults, helpers_of, module_of, trees

FILES = sorted(TESTS.rglob("test_*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_can_fail(path: Path) -> None:
    tree = trees()[module_of(path)]
    assert faults(tree, helpers_of(tree, module_of(path), asserting())) == []


def told(body: str, before: str = "") -> str:
    """What is wrong with a test of that body."""
    source = f"{before}\ndef test_it(given, items):\n    {body}\n"
    return "; ".join(
        fault.partition("test_it ")[2] for fault in faults(ast.parse(source), frozenset({"check", "made"}))
    )


@pytest.mark.parametrize(
    "body",
    [
        "work()",
        "assert True",
        "print(assertion)",
        "def inner():\n        assert given",
        "made",
        "other.check(given)",
        "assert_ = given",
    ],
)
def test_a_test_without_an_assertion_is_found(body: str) -> None:
    assert told(body) == "asserts nothing"


@pytest.mark.parametrize(
    "body",
    [
        "for one in items:\n        assert one",
        "for one in items:\n        check(one)",
        "for one in items:\n        with pytest.raises(ValueError):\n            work(one)",
        "while given:\n        assert given.pop()",
        "for one in range(len(items)):\n        assert one",
        "for one in sorted(items):\n        assert one",
        "for one, two in zip((1, 2), items):\n        assert one",
        "for one in (1, 2):\n        for two in items:\n            assert two",
        "for one in EMPTY:\n        assert one",
        "assert all(one for one in items)",
        "assert not any(one for one in items)",
        "assert not [one for one in items if one]",
        "assert [one for one in items if one] == []",
        "assert {one for one in items if one} == set()",
        "for one in range(0):\n        assert one",
        "for one in (*items,):\n        assert one",
    ],
)
def test_assertions_in_a_loop_that_may_be_empty_are_found(body: str) -> None:
    assert told(body, "EMPTY = []").startswith("asserts in a loop alone that may be empty")


@pytest.mark.parametrize(
    "body",
    [
        "assert given",
        "check(given)",
        "with pytest.raises(ValueError):\n        work()",
        "with pytest.warns(UserWarning, match='x'):\n        work()",
        "np.testing.assert_array_equal(given, items)",
        "assert items\n    for one in items:\n        assert one",
        "for one in (1, 2):\n        assert one",
        "for one in TABLE.items():\n        assert one",
        "for one in enumerate(sorted(TABLE)):\n        assert one",
        "for one in range(3):\n        assert one",
        "while True:\n        assert given.pop()",
        "def inner():\n        assert given\n    work(inner)",
        "assert [one for one in items] == [1, 2]",
        "assert any(one for one in items)",
        "assert all(items)",
    ],
)
def test_a_test_that_can_fail_is_left_alone(body: str) -> None:
    assert told(body, "TABLE = {'a': 1}") == ""
