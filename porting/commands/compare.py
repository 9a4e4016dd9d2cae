"""The command compare: the changes between two published repositories."""

import argparse
from collections.abc import Sequence

from porting.command_line.public_key import add_public_key
from porting.common.console import say, table
from porting.repository import Repository
from porting.repository.compare import compare


def run(arguments: Sequence[str]) -> None:
    """Lists new variants, removed variants, and figures that moved beyond their intervals from BEFORE to AFTER."""
    parser = argparse.ArgumentParser(prog="dnn-porting compare", description=run.__doc__)
    parser.add_argument("before", help="a folder or a URL such as s3://bucket/prefix")
    parser.add_argument("after", help="likewise")
    add_public_key(parser)
    options = parser.parse_args(arguments)

    before, after = (Repository.load(url, options.public_key) for url in (options.before, options.after))
    found = compare(before, after)
    if found:
        rows = [[one.variant, one.target, one.what, one.before, one.after] for one in found]
        table(f"{options.before} → {options.after}", ["variant", "target", "what", "before", "after"], rows)
    say(f"{len(found)} changes over {len({*before.by_name, *after.by_name})} variants")
