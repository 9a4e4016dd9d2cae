"""The meaning of the names in the project's modules."""

import ast
from collections.abc import Iterator
from pathlib import Path

from source_figures import Definition, Function, Source

# A module and a definition in it, such as `porting.cli` and `main`, or `Repository.load`. The module itself has "".
Node = tuple[str, str]


class Names:
    """The modules of a source, their definitions (methods as `Class.method`), and their imports."""

    def __init__(self, source: Source) -> None:
        self.paths = {dotted(path.relative_to(source.root)): path.relative_to(source.root) for path in source.trees}
        self.trees = {dotted(path.relative_to(source.root)): tree for path, tree in source.trees.items()}
        self.definitions: dict[Node, Definition] = {
            (module, name): node for module, tree in self.trees.items() for name, node in defined(tree)
        }
        self.imports = {
            module: {local: name for node in ast.walk(tree) for local, name in self.imported(node)}
            for module, tree in self.trees.items()
        }

    def imported(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        """The local names of an import, and the dotted names that they mean."""
        if isinstance(node, ast.ImportFrom):
            yield from ((one.asname or one.name, f"{node.module}.{one.name}") for one in node.names)
        elif isinstance(node, ast.Import):
            for one in node.names:
                first = one.name.partition(".")[0]
                yield from [(one.asname, one.name)] if one.asname else [(first, first), (one.name, one.name)]

    def resolve(self, name: str) -> Node | None:
        """The definition of a dotted name through the imports of modules; else the module that has it."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            module, rest = ".".join(parts[:length]), parts[length:]
            if module in self.trees:
                return (self.local(module, ".".join(rest)) if rest else None) or (module, "")
        return None

    def local(self, module: str, name: str) -> Node | None:
        """The meaning of a name, or of a name with attributes, in a module; `None` where it is not of the project."""
        parts = name.split(".")
        for known in (".".join(parts[:2]), parts[0]):
            if (module, known) in self.definitions:
                return module, known
        leads_to = self.imports[module].get(parts[0])
        # A package imports one of its own modules, which is no name of another module.
        if leads_to is None or (leads_to == f"{module}.{parts[0]}" and leads_to not in self.trees):
            return None
        return self.resolve(".".join([leads_to, *parts[1:]]))

    def methods(self, node: Node) -> list[Node]:
        """The methods of a class; other definitions have none."""
        module, name = node
        return [one for one in self.definitions if one[0] == module and name and one[1].startswith(f"{name}.")]

    def exported(self, module: str) -> list[str]:
        """The names in a module's `__all__`."""
        for node in self.trees[module].body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return list(ast.literal_eval(node.value))
        return []

    def syntax(self, node: Node) -> Iterator[ast.AST]:
        """The syntax of a definition, of a class without its methods, of a module without its definitions."""
        definition = self.definitions[node] if node[1] else self.trees[node[0]]
        parts: list[ast.AST] = [definition]
        if isinstance(definition, ast.Module):
            parts = [one for one in definition.body if not isinstance(one, Definition)]
        elif isinstance(definition, ast.ClassDef):
            inside = [one for one in definition.body if not isinstance(one, Function)]
            parts = [*inside, *definition.bases, *definition.decorator_list]
        return (one for part in parts for one in ast.walk(part))


def dotted(path: Path) -> str:
    """The name of a file's module."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def defined(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    """The functions and classes at the top of a module, and the methods of its classes."""
    for node in tree.body:
        if isinstance(node, Definition):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{one.name}", one) for one in node.body if isinstance(one, Function))
