"""The verbs: commands that are no stages, dispatched before Hydra sees the arguments; one file each."""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

OURS = ("adopt", "compare", "convert", "lint", "request", "select", "serve", "verify")
# Those of the orchestrators are known by their names only.
THEIRS = ("orchestrate", "plan", "simulate")
VERBS = {name: f"porting.verbs.{name}" for name in OURS} | {name: f"orchestrators.commands.{name}" for name in THEIRS}


def do(verb: str, arguments: Sequence[str]) -> None:
    """Runs the verb's module, which is imported only now."""
    importlib.import_module(VERBS[verb]).run(arguments)


def add_public_key(parser: argparse.ArgumentParser) -> None:
    """The option of every command that reads a published repository."""
    parser.add_argument(
        "--public-key", type=Path, metavar="FILE", help="PEM: refuse what is not signed by the owner of this key"
    )
