"""The option of the commands that check the signature of a repository."""

import argparse
from pathlib import Path


def add_public_key(parser: argparse.ArgumentParser) -> None:
    """Adds `--public-key FILE` to the parser."""
    parser.add_argument(
        "--public-key", type=Path, metavar="FILE", help="PEM: refuse what the owner of this key has not signed"
    )
