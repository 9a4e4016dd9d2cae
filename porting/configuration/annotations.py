"""The annotations of a callable, read from its source, as an import of data modules and backbones imports torch.

An answer is that of the imported callable, or `None` where the source does not decide it.
"""

import ast
import builtins
import importlib.util
from collections.abc import Iterable
from pathlib import Path

# The statement or value that each name of a scope has; `None` where it depends on a condition or a second binding.
Names = dict[str, ast.AST | None]
TYPING = {"typing", "collections.abc"}


def annotated_as_path(dotted: str, arguments: Iterable[str]) -> set[str] | None:
    """The arguments that the callable annotates as `Path` or as a union with it."""
    module, _, name = dotted.rpartition(".")
    names, asked = names_of(module), list(arguments)
    function = function_of(names.get(name), names)
    if not asked and names.get(name) is not None:
        return set()
    if function is None or "*" in names:
        return None
    given = function.args
    parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    annotations = {one.arg: one.annotation for one in parameters if one is not None and one.annotation is not None}
    found = {key: is_path(annotations[key], module, names) for key in asked if key in annotations}
    return None if None in found.values() else {key for key, value in found.items() if value}


def function_of(node: ast.AST | None, names: Names) -> ast.FunctionDef | None:
    """The function, or the `__init__` of the class; `None` for a decorated one or one of another module."""
    if isinstance(node, ast.ClassDef) and not node.decorator_list and not node.keywords:
        bases = [one.id for one in node.bases if isinstance(one, ast.Name)]
        others = {name: one for name, one in names.items() if one is not node}
        inherited = others.get(bases[0]) if len(bases) == len(node.bases) == 1 else None
        return function_of(bound(node.body).get("__init__", inherited), others)
    return node if isinstance(node, ast.FunctionDef) and not node.decorator_list else None


def source_of(module: str) -> Path | None:
    """The source file of a module, found without importing the module; its packages are imported."""
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    file = Path(found.origin) if found is not None and found.origin else None
    return file if file is not None and file.suffix == ".py" else None


def names_of(module: str) -> Names:
    """The top-level names of a module; empty where its source cannot be read."""
    file = source_of(module)
    try:
        return {} if file is None else bound(ast.parse(file.read_bytes()).body)
    except (SyntaxError, ValueError):
        return {}


def bound(body: list[ast.stmt]) -> Names:
    """The names that the statements of a scope bind."""
    found: Names = {}
    for statement in body:
        for name, node in bindings(statement).items():
            found[name] = None if name in found else node
    return found


def bindings(statement: ast.stmt) -> Names:
    """The names that one statement binds."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name: statement}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(one.asname or one.name).partition(".")[0]: statement for one in statement.names}
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name) and len(statement.targets) == 1:
        return {statement.targets[0].id: statement.value}
    inner = [node for node in ast.walk(statement) if node is not statement]
    found: Names = {
        node.id: None for node in inner if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    for node in inner:
        if isinstance(node, ast.stmt):
            found |= dict.fromkeys(bindings(node))
    return found


def is_path(node: ast.AST, module: str, names: Names, seen: frozenset[tuple[str, str]] = frozenset()) -> bool | None:
    """Whether an annotation of a module is `Path` or a union with it; `None` for others, such as a list of paths."""
    if isinstance(node, ast.Name):
        return is_path_by_name(node.id, module, names, seen)
    if isinstance(node, ast.Constant):
        return None if isinstance(node.value, str) else False
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
        return is_path(node.value, module, names, seen)
    if not isinstance(node, ast.BinOp | ast.Subscript | ast.Tuple | ast.List):
        return None
    parts = [is_path(one, module, names, seen) for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
    if None in parts:
        return None
    return any(parts) if isinstance(node, ast.BinOp) or not any(parts) else None


def is_path_by_name(name: str, module: str, names: Names, seen: frozenset[tuple[str, str]]) -> bool | None:
    """Whether a name of a module is `Path`; `None` for an alias of it and for a name of another package."""
    if (module, name) in seen or "*" in names:
        return None
    if name not in names:
        return False if hasattr(builtins, name) else None
    node, seen = names[name], seen | {(module, name)}
    if isinstance(node, ast.ClassDef):
        return None if node.decorator_list else False
    if isinstance(node, ast.expr):
        return None if is_path(node, module, names, seen) is not False else False
    if not isinstance(node, ast.ImportFrom) or node.level or node.module is None:
        return None
    original = next(one.name for one in node.names if (one.asname or one.name) == name)
    if node.module in TYPING or (node.module, original) == ("pathlib", "Path"):
        return node.module == "pathlib"
    if node.module.partition(".")[0] != module.partition(".")[0]:
        return None
    others = names_of(node.module)
    return is_path_by_name(original, node.module, others, seen) if original in others else None
