"""The tests that cannot fail: they assert nothing, or only in a loop that may be empty.

An assertion is an `assert` of something that is no constant, a `pytest.raises`, `pytest.warns` or `pytest.fail`, the
call of a function named `assert_…`, or the call of a helper of the tests that asserts itself.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeGuard

from support import ROOT

TESTS = ROOT / "tests"
EXPECTING = {"raises", "warns", "fail", "deprecated_call"}
# What leaves as many values as it is given, or more.
KEEPING = {"list", "tuple", "sorted", "reversed", "enumerate", "zip", "product", "permutations", "pairwise", "set"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While
Comprehension = ast.GeneratorExp | ast.ListComp | ast.SetComp


@dataclass(frozen=True)
class Assertion:
    """An assertion, and the loops around it from the outermost to the innermost."""

    node: ast.AST
    loops: tuple[ast.AST, ...]


def module_of(path: Path) -> str:
    """The name by which tests import a file; nobody imports one of the several `conftest.py`."""
    return path.stem if path.stem != "conftest" else str(path)


@cache
def trees() -> dict[str, ast.Module]:
    """The modules below `tests/`, by the name that others import them by."""
    return {module_of(path): ast.parse(path.read_text()) for path in sorted(TESTS.rglob("*.py"))}


def helpers_of(tree: ast.Module, module: str, asserting: frozenset[tuple[str, str]]) -> frozenset[str]:
    """Of the helpers that assert, given as module and name, how a file calls its own, imported ones and fixtures."""
    own = {name for where, name in asserting if where == module}
    fixtures = {name for where, name in asserting if is_fixture(where, name)}
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom | ast.Import)]
    names = [(node, alias) for node in imports for alias in node.names]
    imported = {
        alias.asname or alias.name
        for node, alias in names
        if isinstance(node, ast.ImportFrom) and (node.module, alias.name) in asserting
    }
    modules = {alias.name for node, alias in names if isinstance(node, ast.Import)}
    return frozenset(own | fixtures | imported | {f"{where}.{name}" for where, name in asserting if where in modules})


@cache
def is_fixture(module: str, name: str) -> bool:
    """Whether the function is a fixture, of which a test may call what it is given."""
    found = (node for node in trees()[module].body if isinstance(node, Function) and node.name == name)
    return any("fixture" in ast.unparse(one) for node in found for one in node.decorator_list)


@cache
def asserting() -> frozenset[tuple[str, str]]:
    """The functions of the tests that assert and are no tests, as module and name; those that call them included."""
    found: frozenset[tuple[str, str]] = frozenset()
    while True:
        more = {
            (module, node.name)
            for module, tree in trees().items()
            for node in tree.body
            if isinstance(node, Function) and not node.name.startswith("test_")
            if any(assertions(node, helpers_of(tree, module, found)))
        }
        if more <= found:
            return found
        found |= more


def assertions(test: Function, helpers: frozenset[str]) -> Iterator[Assertion]:
    """The assertions that run when a test runs; those of a function inside it where the test uses that function."""
    used = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    inner = {node.name for node in ast.walk(test) if isinstance(node, Function)} & used
    yield from below(test.body, (), helpers, inner)


def below(
    nodes: Sequence[ast.AST], loops: tuple[ast.AST, ...], helpers: frozenset[str], inner: set[str]
) -> Iterator[Assertion]:
    """The assertions in these pieces of syntax."""
    for node in nodes:
        if isinstance(node, Function | ast.Lambda) and getattr(node, "name", "") not in inner:
            continue
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            over = over_which(node.test)
            yield Assertion(node, (*loops, *([over] if over else [])))
        elif isinstance(node, ast.Call) and asserts(node, helpers):
            yield Assertion(node, loops)
        around = (*loops, node) if isinstance(node, Loop) else loops
        yield from below(list(ast.iter_child_nodes(node)), around, helpers, inner)


def asserts(call: ast.Call, helpers: frozenset[str]) -> bool:
    """Whether a call asserts something."""
    name = ast.unparse(call.func)
    last = name.rpartition(".")[2]
    return last in EXPECTING or last.startswith("assert_") or name in helpers


def over_which(test: ast.expr) -> ast.AST | None:
    """The loop in `all(… for …)`, `not any(… for …)`, `not [… for …]` and `[… for …] == []`: all hold over nothing."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inside = test.operand.args[0] if is_call(test.operand, "any") else test.operand
    elif is_call(test, "all"):
        inside = test.args[0]
    elif isinstance(test, ast.Compare) and ast.unparse(test.comparators[-1]) in ("[]", "set()", "{}", "()"):
        inside = test.left
    else:
        return None
    return inside.generators[0] if isinstance(inside, Comprehension) else None


def is_call(node: ast.expr, name: str) -> TypeGuard[ast.Call]:
    """Whether a piece of syntax is a call of that built-in with one argument."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == name and len(node.args) == 1


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The values that a file gives to names at its top."""
    return {
        ast.unparse(target): node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }


def never_empty(value: ast.AST, known: Mapping[str, ast.expr]) -> bool:
    """Whether the text alone says that there is something to go through."""
    if isinstance(value, ast.Tuple | ast.List | ast.Set):
        return any(not isinstance(one, ast.Starred) or never_empty(one.value, known) for one in value.elts)
    if isinstance(value, ast.Dict):
        return bool(value.keys)
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str | bytes) and bool(value.value)
    if isinstance(value, ast.Name):
        return value.id in known and never_empty(known[value.id], {})
    if isinstance(value, ast.Call):
        return never_empty_call(value, known)
    return False


def never_empty_call(value: ast.Call, known: Mapping[str, ast.expr]) -> bool:
    """Whether a call of `range`, `zip`, `items()` and the like leaves something to go through."""
    name = ast.unparse(value.func).rpartition(".")[2]
    if name == "range":
        values = [getattr(one, "value", None) for one in value.args]
        numbers = [one for one in values if isinstance(one, int)]
        return len(numbers) == len(values) and bool(range(*numbers))
    if name in ("items", "keys", "values") and isinstance(value.func, ast.Attribute):
        return never_empty(value.func.value, known)
    return name in KEEPING and bool(value.args) and all(never_empty(one, known) for one in value.args)


def may_be_empty(loop: ast.AST, known: Mapping[str, ast.expr]) -> bool:
    """Whether a loop may have no round."""
    if isinstance(loop, ast.While):
        return not (isinstance(loop.test, ast.Constant) and loop.test.value)
    return not never_empty(loop.iter, known)  # type: ignore[attr-defined]


def faults(tree: ast.Module, helpers: frozenset[str]) -> list[str]:
    """The tests of a file that cannot fail, each with the reason."""
    known, found = constants(tree), []
    for test in (node for node in ast.walk(tree) if isinstance(node, Function) and node.name.startswith("test_")):
        made = list(assertions(test, helpers))
        if not made:
            found.append(f"{test.lineno}: {test.name} asserts nothing")
        elif all(any(may_be_empty(loop, known) for loop in one.loops) for one in made):
            found.append(
                f"{test.lineno}: {test.name} asserts in a loop alone that may be empty: assert its items first"
            )
    return found
