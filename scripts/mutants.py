"""Tries the mutants of `mutants.toml`, and prints the number that the tests find.

    python scripts/mutants.py                      # all of them
    python scripts/mutants.py saturate Goal.met    # those of some definitions

Each mutant is put into a copy of the tree, two at a time, and only the tests of its rule are run there. The exit code
is 1 where the tests find fewer than 95 %.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Lock

from import_circles import ROOT
from mutation import Mutant, mutated, read_mutants
from rich.console import Console

AT_A_TIME = 2
ASKED_SHARE = 0.95
# A mutant that takes this time counts as found, because it made an endless loop.
LIMIT_S = 150.0
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "artifacts", "docs")
ONE_BY_ONE = Lock()
# Only the plugins that the tests need, because the load of all others takes longer than most tests.
PLUGINS = ("-p", "pytest_timeout", "-p", "xdist.plugin", "-p", "no:cacheprovider")


def copy_tree(folder: Path) -> Path:
    """A copy of the checkout without its environments, with links to those that tests use for servers."""
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    for environment in ROOT.glob(".venv*"):
        (tree / environment.name).symlink_to(environment.resolve())
    return tree


def passes(tree: Path, names: Sequence[str], alone: bool, bytecode: bool = False) -> bool:
    """Whether the test files of these names pass in a copy; raises `ValueError` for a name without a file.

    Tests of a quiet machine are left out, because two mutants are tried at once. The run keeps no bytecode of a
    mutant, because Python takes it for that of the next mutant of equal size and second.
    """
    files = [str(path) for name in names for path in (tree / "tests").rglob(f"{name}.py")]
    if len(files) != len(names):
        raise ValueError(f"tests {', '.join(names)}: each is the name of one file below tests/, found {files}")
    command = [sys.executable, "-m", "pytest", "-x", "-q", *PLUGINS, "-m", "not slow and not quiet", *files]
    settings = {"PYTHONPATH": str(tree), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    settings |= {} if bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}
    with ONE_BY_ONE if alone else nullcontext():
        try:
            run = subprocess.run(
                command, check=False, cwd=tree, env=os.environ | settings, capture_output=True, timeout=LIMIT_S
            )
        except subprocess.TimeoutExpired:
            return False
    return run.returncode == 0


def is_found(mutant: Mutant, trees: SimpleQueue[Path]) -> bool:
    """Whether a test fails in a copy with the mutant; the copy is restored afterwards."""
    tree = trees.get()
    path, wrong = mutated(mutant)
    place = tree / path.relative_to(ROOT)
    try:
        place.write_text(wrong)
        return not passes(tree, mutant.tests, mutant.alone)
    finally:
        place.write_text(path.read_text())
        trees.put(tree)


def check_tests(mutants: Sequence[Mutant], tree: Path) -> None:
    """Raises `ValueError` where the tests of a rule fail without any mutant, or a mutant has no place."""
    for mutant in mutants:
        mutated(mutant)
    for names, alone in dict.fromkeys((mutant.tests, mutant.alone) for mutant in mutants):
        if not passes(tree, names, alone, bytecode=True):
            raise ValueError(f"{', '.join(names)} fail without any mutant: mend them first")


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="definitions as the table has them; all without any")
    wanted = parser.parse_args().names
    mutants = [mutant for mutant in read_mutants() if not wanted or mutant.name in wanted]
    console, start = Console(highlight=False, soft_wrap=True, markup=False), time.monotonic()
    with TemporaryDirectory(prefix="mutants-") as folder:
        first, trees = copy_tree(Path(folder) / "0"), SimpleQueue[Path]()
        check_tests(mutants, first)
        trees.put(first)
        for number in range(1, AT_A_TIME):
            trees.put(Path(shutil.copytree(first, Path(folder) / str(number), symlinks=True)))
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            survivors = []
            for mutant, found in zip(mutants, pool.map(lambda one: is_found(one, trees), mutants), strict=True):
                console.print(f"{'found   ' if found else 'SURVIVED'} {mutant}")
                survivors += [] if found else [mutant]
    share = 1 - len(survivors) / len(mutants) if mutants else 0.0
    console.print(
        f"{len(mutants) - len(survivors)} of {len(mutants)} found, {share:.1%}, in {time.monotonic() - start:.0f} s"
    )
    return int(share < ASKED_SHARE)


if __name__ == "__main__":
    sys.exit(main())
