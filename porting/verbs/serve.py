"""serve: a published repository on this machine."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from porting.verbs import add_public_key
from porting.verbs.laid_out import laid_out


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
