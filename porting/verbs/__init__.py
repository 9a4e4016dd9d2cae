"""The verbs: commands that are no stages, dispatched before Hydra sees the arguments; one file each."""

import importlib
from collections.abc import Sequence

VERBS = ("adopt", "compare", "convert", "lint", "request", "select", "serve", "verify")


def do(verb: str, arguments: Sequence[str]) -> None:
    """Runs `porting.verbs.<verb>`, which is imported only now."""
    importlib.import_module(f"porting.verbs.{verb}").run(arguments)
