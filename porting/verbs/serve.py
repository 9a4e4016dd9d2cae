"""serve: a published repository on this machine."""

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from porting.verbs import add_public_key


def port(text: str) -> int:
    """A TCP port as an argument."""
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1024 to 65535")
    return int(text)


def run(arguments: Sequence[str]) -> None:
    """Serves a published repository with Triton on this machine until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="dnn-porting serve", description=run.__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--target", help="with the settings that were measured on it (default: any)")
    parser.add_argument("--variant", help="default: all of them")
    parser.add_argument("--trust", action="store_true", help="serve what was not published too, whatever runs then")
    add_public_key(parser)
    parser.add_argument("--grpc-port", type=port, default=8001)
    parser.add_argument("--http-port", type=port, default=8000)
    options = parser.parse_args(arguments)

    from porting.console import say
    from profiler.errors import ServerError
    from profiler.scratch import scratch
    from profiler.triton.installation import find_triton
    from profiler.triton.server import last_words, triton_server

    ports = {"grpc_port": options.grpc_port, "http_port": options.http_port}
    with ExitStack() as stack:
        models = stack.enter_context(scratch("serve")).folder
        names = laid_out(options, models)
        server = stack.enter_context(triton_server(find_triton(), models, **ports, load=names))
        say(f"serving {', '.join(names)}\ngRPC {server.endpoint}, HTTP 127.0.0.1:{options.http_port}; Ctrl-C stops")
        try:
            server.process.wait()
        except KeyboardInterrupt:
            say("stopping")
            return
        raise ServerError(f"the server ended with code {server.process.returncode}: {last_words(server)}")


def laid_out(options: argparse.Namespace, folder: Path) -> list[str]:
    """Copies what is to be served to the folder, says what that is, and returns the models' names.

    Raises `BadInputError` where a file is not as it was published, and for what was not published and is not trusted.
    """
    from porting.console import say
    from porting.repository import Repository
    from porting.repository.reader import INDEX
    from porting.repository.serving import lay_out
    from porting.repository.unpublished import lay_out_trusted
    from profiler.errors import BadInputError

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
