"""serve: a published repository on this machine."""

import argparse
from collections.abc import Sequence
from pathlib import Path


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
    parser.add_argument("--grpc-port", type=port, default=8001)
    parser.add_argument("--http-port", type=port, default=8000)
    options = parser.parse_args(arguments)

    from porting.console import say
    from porting.repository import Repository
    from profiler.errors import BadInputError, ServerError
    from profiler.triton.installation import find_triton
    from profiler.triton.server import last_words, triton_server

    repository = Repository.load(options.repository)
    chosen = repository.variants if options.variant is None else [repository.variant(options.variant)]
    if options.target is not None and options.target not in repository.targets:
        raise BadInputError(f"unknown target {options.target!r}: choices are {', '.join(repository.targets)}")
    names = [variant.name for variant in chosen]
    ports = {"grpc_port": options.grpc_port, "http_port": options.http_port}
    settings = {"load": names, "config_name": options.target}
    with triton_server(find_triton(), repository.root.local, **ports, **settings) as server:
        say(f"serving {', '.join(names)}\ngRPC {server.endpoint}, HTTP 127.0.0.1:{options.http_port}; Ctrl-C stops")
        try:
            server.process.wait()
        except KeyboardInterrupt:
            say("stopping")
            return
        raise ServerError(f"the server ended with code {server.process.returncode}: {last_words(server)}")
