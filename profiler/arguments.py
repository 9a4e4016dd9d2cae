"""The command line of `python -m profiler`."""

import argparse
from pathlib import Path

from profiler.common.version import name_and_version


def read_options(description: str | None) -> argparse.Namespace:
    """The options of this process; `--help` and `--version` print and end it."""
    parser = argparse.ArgumentParser(prog="python -m profiler", description=description)
    parser.add_argument("--version", action="version", version=name_and_version())
    parser.add_argument("model", type=Path, help="an ONNX file; for runtime=torch with its program beside it, as .pt")
    parser.add_argument("request", type=Path)
    parser.add_argument("--output", type=Path, default=Path("profile.json"))
    parser.add_argument("--endpoint", help="the running server that the request may measure on: HOST:PORT on this box")
    return parser.parse_args()
