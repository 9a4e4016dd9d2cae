"""The command serve: the server of a published repository on this machine."""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from porting.command_line.public_key import add_public_key
from porting.common.console import say
from porting.repository import Repository
from porting.repository.reader import INDEX
from porting.repository.serving_folder import lay_out, lay_out_trusted
from profiler.common.errors import BadInputError, ServerError, fix_of
from profiler.common.scratch import scratch
from profiler.triton.access import CONTROL, READ_ONLY, new_token
from profiler.triton.installation import find_triton
from profiler.triton.server import NOT_HIDDEN, RunningServer, log_errors, triton_server


def port(text: str) -> int:
    """Parses an argument as a TCP port."""
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1024 to 65535")
    return int(text)


def run(arguments: Sequence[str]) -> None:
    """Serves a published repository with Triton on this machine until Ctrl-C: inference and health, nothing else."""
    parser = argparse.ArgumentParser(prog="dnn-porting serve", description=run.__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--target", help="the target whose measured settings are used (default: any)")
    parser.add_argument("--variant", help="default: all of them")
    parser.add_argument("--trust", action="store_true", help="serve unpublished models too, and run their code")
    add_public_key(parser)
    parser.add_argument("--grpc-port", type=port, default=8001)
    parser.add_argument("--http-port", type=port, default=8000)
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="gets the token that controls the server (default: none)"
    )
    options = parser.parse_args(arguments)

    ports = {"grpc_port": options.grpc_port, "http_port": options.http_port}
    token = new_token()
    # The server passes the name of the folder to a shell, so a scratch folder with a safe name is used.
    with scratch("serve") as made, written(token, options.token_file):
        names = copied_models(options, made.folder)
        closed = (*CONTROL, *READ_ONLY)
        starting = triton_server(find_triton(), made.folder, **ports, load=names, closed=closed, token=token)
        serve(starting, names, options.http_port)


def copied_models(options: argparse.Namespace, folder: Path) -> list[str]:
    """Copies the models to serve to the folder under safe names, prints these, and returns them.

    Raises `BadInputError` for a file that differs from the published one, and for models that are neither published nor
    trusted.
    """

    if options.trust and not os.path.lexists(options.repository / INDEX):
        found = lay_out_trusted(options.repository, folder)
        say("\n".join(["these unpublished files are trusted:", *(line for lines in found.values() for line in lines)]))
        return list(found)
    if options.repository.is_dir() and not os.path.lexists(options.repository / INDEX):
        raise BadInputError(
            f"{options.repository} has no {INDEX}, so its files are unknown: check it with dnn-porting lint, "
            "and serve it with --trust if you trust its author"
        )
    repository = Repository.load(options.repository, options.public_key)
    chosen = repository.variants if options.variant is None else [repository.variant(options.variant)]
    if options.target is not None and options.target not in repository.targets:
        raise BadInputError(f"unknown target {options.target!r}: choices are {', '.join(repository.targets)}")
    names = [variant.name for variant in chosen]
    lay_out(repository, names, options.target, folder)
    say(f"the edition of {repository.index.published_at:%Y-%m-%d %H:%M:%S UTC} is served, and no later edition")
    return names


def serve(starting: AbstractContextManager[RunningServer], names: Sequence[str], http_port: int) -> None:
    """Serves until Ctrl-C; raises `ServerError` where the server ends by itself."""

    with starting as server:
        if not server.hidden:
            say(NOT_HIDDEN.strip())
        say(f"serving {', '.join(names)}\ngRPC {server.endpoint}, HTTP 127.0.0.1:{http_port}; Ctrl-C stops")
        try:
            server.process.wait()
        except KeyboardInterrupt:
            say("stopping")
            return
        raise ServerError(f"the server ended with code {server.process.returncode}: {log_errors(server)}")


@contextmanager
def written(token: str, path: Path | None) -> Iterator[None]:
    """Keeps the token in a file that only this user can read, until the block ends; does nothing without a path.

    Raises `BadInputError` where the file exists already or cannot be made.
    """

    if path is None:
        yield
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        fix = fix_of(error.errno, path) or "give the name of a new file"
        raise BadInputError(f"token file {path} cannot be made ({error.strerror}): {fix}") from error
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{token}\n")
        yield
    finally:
        path.unlink(missing_ok=True)
