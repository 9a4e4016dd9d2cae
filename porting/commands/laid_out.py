"""What `serve` loads: copies of published variants under names of our own making, or of what is trusted."""

import argparse
import os
from pathlib import Path


def laid_out(options: argparse.Namespace, folder: Path) -> list[str]:
    """Copies what is to be served to the folder, says what that is, and returns the models' names.

    Raises `BadInputError` where a file is not as it was published, and for what was not published and is not trusted.
    """
    from porting.common.console import say
    from porting.repository import Repository
    from porting.repository.reader import INDEX
    from porting.repository.serving_folder import lay_out, lay_out_trusted
    from profiler.common.errors import BadInputError

    if options.trust and not os.path.lexists(options.repository / INDEX):
        found = lay_out_trusted(options.repository, folder)
        say(
            "\n".join(
                ["this was not published, and is trusted:", *(line for lines in found.values() for line in lines)]
            )
        )
        return list(found)
    if options.repository.is_dir() and not os.path.lexists(options.repository / INDEX):
        raise BadInputError(
            f"{options.repository} has no {INDEX}, so nothing says what its files are: look at it with dnn-porting "
            "lint, and serve it with --trust if you trust whoever made it"
        )
    repository = Repository.load(options.repository, options.public_key)
    chosen = repository.variants if options.variant is None else [repository.variant(options.variant)]
    if options.target is not None and options.target not in repository.targets:
        raise BadInputError(f"unknown target {options.target!r}: choices are {', '.join(repository.targets)}")
    names = [variant.name for variant in chosen]
    lay_out(repository, names, options.target, folder)
    say(f"the edition of {repository.index.published_at:%Y-%m-%d %H:%M:%S UTC} is served: later ones are not followed")
    return names
