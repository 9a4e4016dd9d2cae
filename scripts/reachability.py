"""The definitions that no entry point reaches, as far as names show it.

A module that a string names is open: any of its functions may be called by name. A method is reached with its class
where a reached definition has its name. So the list is rather too short than too long.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from import_circles import NAMED
from module_names import Names, Node
from source_figures import Definition, Source

TARGET = re.compile(r"_target_: *([\w.]+)")
DOCUMENTED = re.compile(r"^\| `([\w.]+)` \|", re.MULTILINE)
# A class with another base of a library has methods that the library calls.
PLAIN_BASES = {"BaseModel", "Protocol", "NamedTuple", "Enum", "StrEnum", "IntEnum", "Generic", "object"}
# The library of any other decorator calls the decorated function.
PLAIN_DECORATORS = {"property", "cached_property", "classmethod", "staticmethod", "contextmanager", "cache"}
# ONNX Runtime's calibration calls the first on any object, and the template of the report calls the second.
CALLED = {"get_next", "as_json"}
DUNDER = re.compile(r"__\w+__")


def entry_points(root: Path) -> list[str]:
    """The dotted names that a user starts: commands, `python -m`, `_target_` in `conf/`, the documented interface.

    The model that Triton loads is one too, because no module of the project names it.
    """
    scripts = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"].values()
    configured = [name for path in (root / "conf").rglob("*.yaml") for name in TARGET.findall(path.read_text())]
    documented = DOCUMENTED.findall((root / "docs" / "interface.md").read_text())
    started = [".".join(path.relative_to(root).with_suffix("").parts) for path in root.glob("*/__main__.py")]
    backends = [path.relative_to(root).with_suffix("") for path in root.glob("profiler/triton/backend/*/model.py")]
    loaded = [f"{'.'.join(path.parts)}.TritonPythonModel" for path in backends]
    return [*(name.replace(":", ".") for name in scripts), *configured, *documented, *started, *loaded]


class Walk:
    """The reached definitions, the names in them, and the modules that strings name."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.reached: set[Node] = set()
        self.mentioned: set[str] = set()
        self.open: set[str] = set()
        self.waiting: list[Node] = []

    def start(self, name: str) -> None:
        """Reaches a dotted name; for a module also its exports, which are named for others."""
        found = self.names.resolve(name)
        if found is None:
            raise ValueError(f"the entry point {name!r} leads to no module of the project")
        self.open.add(found[0])
        exported = [self.names.local(found[0], one) for one in self.names.exported(found[0])]
        for one in [found] if found[1] else [found, *(one for one in exported if one)]:
            self.reach(one)
            for method in self.names.methods(one):
                self.reach(method)

    def reach(self, node: Node | None) -> None:
        """Adds a definition and its module to the definitions to follow."""
        for one in (node, (node[0], "")) if node else ():
            if one not in self.reached:
                self.reached.add(one)
                self.waiting.append(one)

    def follow(self) -> None:
        """Continues until no new definition is reached."""
        while self.waiting:
            while self.waiting:
                node = self.waiting.pop()
                for part in self.names.syntax(node):
                    self.refer(node[0], part)
            for one in self.called():
                self.reach(one)

    def refer(self, module: str, part: ast.AST) -> None:
        """Reaches the names in one piece of syntax of a module."""
        if isinstance(part, ast.Name):
            self.reach(self.names.local(module, part.id))
            # A module as a value: any of its functions may be called.
            self.open |= {self.names.imports[module].get(part.id, "")} & self.names.trees.keys()
        elif isinstance(part, ast.Attribute):
            self.mentioned.add(part.attr)
            self.reach(self.names.local(module, ast.unparse(part)))
        elif isinstance(part, ast.Import | ast.ImportFrom):
            for _, name in self.names.imported(part):
                found = self.names.resolve(name)
                self.reach((found[0], "") if found else None)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            self.refer_by_text(module, part.value)

    def refer_by_text(self, module: str, text: str) -> None:
        """Reaches the names in a string: a module or definition by its path, a folder of modules, a file, a method."""
        if text.isidentifier():
            self.mentioned.add(text)
        elif text.endswith(".py"):
            self.reach(self.names.resolve(f"{module.rpartition('.')[0]}.{text.removesuffix('.py')}"))
        elif NAMED.fullmatch(text):
            modules = [name for name in self.names.trees if f"{name.rpartition('.')[0]}." == text]
            for found in (self.names.resolve(name) for name in (modules or [text.rstrip(".")])):
                self.reach(found)
                self.open |= {found[0]} if found else set()

    def called(self) -> Iterator[Node]:
        """The named or decorated methods of reached classes and functions of open modules."""
        for node, definition in self.names.definitions.items():
            module, name = node
            owner, _, method = name.rpartition(".")
            if node in self.reached or (owner and (module, owner) not in self.reached):
                continue
            if owner:
                if (
                    method in self.mentioned | CALLED
                    or DUNDER.fullmatch(method)
                    or self.has_foreign_base((module, owner))
                ):
                    yield node
            elif module in self.open and name in self.mentioned:
                yield node
            if decorated(definition) and (module, owner) in self.reached:
                yield node

    def has_foreign_base(self, node: Node) -> bool:
        """Whether a class derives from a class of a library, directly or through classes of the project."""
        definition = self.names.definitions[node]
        for base in definition.bases if isinstance(definition, ast.ClassDef) else ():
            name = ast.unparse(base.value if isinstance(base, ast.Subscript) else base)
            ours = self.names.local(node[0], name)
            last = name.rpartition(".")[2]
            if (
                self.has_foreign_base(ours)
                if ours
                else last not in PLAIN_BASES and not last.endswith(("Error", "Exception"))
            ):
                return True
        return False


def decorated(definition: Definition) -> bool:
    """Whether a decorator got the function, to call it later."""
    decorators = [] if isinstance(definition, ast.ClassDef) else definition.decorator_list
    names = {ast.unparse(one.func if isinstance(one, ast.Call) else one).rpartition(".")[2] for one in decorators}
    return bool(names - PLAIN_DECORATORS)


def unreached(source: Source, starts: list[str]) -> list[str]:
    """The definitions without a way from these names, as `path:line name`; an unreached class counts alone."""
    names = Names(source)
    walk = Walk(names)
    for name in starts:
        walk.start(name)
    walk.follow()
    left = [node for node in names.definitions if node not in walk.reached]
    alone = [(module, name) for module, name in left if (module, name.rpartition(".")[0]) not in left]
    return sorted(f"{names.paths[module]}:{names.definitions[module, name].lineno} {name}" for module, name in alone)
