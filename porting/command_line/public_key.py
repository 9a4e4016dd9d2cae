"""The option of every command that reads a published repository."""

import argparse
from pathlib import Path


def add_public_key(parser: argparse.ArgumentParser) -> None:
    """Adds `--public-key FILE` to the parser."""
    parser.add_argument(
        "--public-key", type=Path, metavar="FILE", help="PEM: refuse what is not signed by the owner of this key"
    )
