"""Prints the figures of the source, and fails with `--check` where a figure is on the wrong side of its limit.

python scripts/code_metrics.py               # the table
python scripts/code_metrics.py --unreached   # also the definitions that no entry point reaches
python scripts/code_metrics.py --check       # fails above or below a limit, and names the cause
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from import_circles import ROOT, circles, folder_imports
from reachability import entry_points, unreached
from rich.console import Console
from rich.table import Table
from source_figures import (
    functions,
    line_count,
    lines_of_tests,
    long_functions,
    median_lines,
    names_twice,
    public_definitions,
    read_source,
    undocumented,
    untyped,
)


@dataclass(frozen=True)
class Limit:
    """The present limit and the goal of a figure; a figure with `most` must not grow, any other must not fall."""

    held: float
    goal: float
    most: bool = True


# A limit with the goal's value is a reached goal. Every other limit has the value of the day on which it was set, and
# follows the figure when it gets better. A figure without a limit is only printed.
LIMITS = {
    "folders in circles": Limit(0, 0),
    "lines of source": Limit(44_600, 36_000),
    "files": Limit(460, 440),
    "public definitions with a docstring": Limit(1, 1, most=False),
    "functions over 40 lines": Limit(0, 0),
    "test lines over source lines": Limit(0.85, 0.85, most=False),
    "file names that exist twice": Limit(20, 20),
    "definitions that nothing reaches": Limit(0, 0),
    "functions fully typed": Limit(0.997, 1, most=False),
}


@dataclass(frozen=True)
class Figure:
    """A figure, and the list of the counted definitions where it helps to correct them."""

    value: float
    counted: Sequence[str] = ()


def figures(root: Path) -> dict[str, Figure]:
    """Every figure of a checkout, by the name of its limit."""
    source = read_source(root)
    lines = line_count(source.texts)
    knots = [" ".join(group) for group in circles(folder_imports(root))]
    bare, loose = undocumented(source), untyped(source)
    public = sum(1 for tree in source.trees.values() for _ in public_definitions(tree))
    every = sum(1 for tree in source.trees.values() for _ in functions(tree))
    long, twice = long_functions(source), names_twice(source)
    dead = unreached(source, entry_points(root))
    return {
        "folders in circles": Figure(sum(len(knot.split()) for knot in knots), knots),
        "lines of source": Figure(lines),
        "files": Figure(sum(1 for text in source.texts.values() if text.strip())),
        "median lines of a file": Figure(median_lines(source)),
        "public definitions with a docstring": Figure(1 - len(bare) / public, bare),
        "functions over 40 lines": Figure(len(long), long),
        "test lines over source lines": Figure(lines_of_tests(root) / lines),
        "file names that exist twice": Figure(len(twice), twice),
        "definitions that nothing reaches": Figure(len(dead), dead),
        "functions fully typed": Figure(1 - len(loose) / every, loose),
    }


def lost(value: float, limit: Limit) -> bool:
    """Whether a figure is on the wrong side of its limit."""
    return value > limit.held if limit.most else value < limit.held


def shown(value: float) -> str:
    """A whole number without a change, a share with four digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4f}"


def show(found: Mapping[str, Figure], console: Console) -> None:
    """Prints every figure beside its limit and its goal."""
    table = Table("figure", "value", "limit", "goal", box=None)
    for name, figure in found.items():
        limit = LIMITS.get(name)
        table.add_row(name, shown(figure.value), *((shown(limit.held), shown(limit.goal)) if limit else ("", "")))
    console.print(table)


def main() -> int:
    """The exit code: 1 where `--check` finds a figure on the wrong side of its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail where a figure is beyond its limit")
    parser.add_argument("--unreached", action="store_true", help="list the definitions that no entry point reaches")
    options = parser.parse_args()
    console, found = Console(highlight=False, soft_wrap=True), figures(ROOT)
    show(found, console)
    if options.unreached:
        console.print(*found["definitions that nothing reaches"].counted, sep="\n")
    worse = [name for name, limit in LIMITS.items() if options.check and lost(found[name].value, limit)]
    for name in worse:
        line = f"{name}: {shown(found[name].value)} is beyond the limit of {shown(LIMITS[name].held)}"
        console.print(line, *found[name].counted, sep="\n  ")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
