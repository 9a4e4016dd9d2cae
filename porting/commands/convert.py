"""The command convert: the figures of a repository in the formats of other systems."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from porting.command_line.public_key import add_public_key
from porting.common.console import say
from porting.repository import Repository
from porting.repository.formats import FORMATS, Conversion


def run(arguments: Sequence[str]) -> None:
    """Writes a repository's figures on one target in the format of KServe, ModelMesh, INFaaS or InfAdapter."""
    parser = argparse.ArgumentParser(prog="dnn-porting convert", description=run.__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--target", required=True, help="the target of the figures")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument("--variant", help="default: the target's frontier")
    parser.add_argument("--storage-uri", help="where the cluster finds the repository (kserve) or FOLDER (modelmesh)")
    add_public_key(parser)
    options = parser.parse_args(arguments)

    repository = Repository.load(options.repository, options.public_key)
    conversion = Conversion(repository, options.target, options.variant, options.storage_uri)
    files = FORMATS[options.format](conversion)
    files.write(options.output)
    for name in sorted(files.texts):
        say(str(options.output / name))
    for line in repository.predicted:
        say(f"not measured   {line}")
