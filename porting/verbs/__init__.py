"""The verbs: commands that are no stages, dispatched before Hydra sees the arguments; one file each."""

import importlib
from collections.abc import Sequence

OURS = ("adopt", "compare", "convert", "lint", "request", "select", "serve", "verify")
# Those of the orchestrators are known by their names only.
THEIRS = ("orchestrate", "plan", "simulate")
VERBS = {name: f"porting.verbs.{name}" for name in OURS} | {name: f"orchestrators.commands.{name}" for name in THEIRS}


def do(verb: str, arguments: Sequence[str]) -> None:
    """Runs the verb's module, which is imported only now."""
    importlib.import_module(VERBS[verb]).run(arguments)
