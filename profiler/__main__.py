"""`python -m profiler MODEL REQUEST`: profiles one file on this machine, which needs the plain install only.

`dnn-porting request` writes the request, a target and a level; `dnn-porting adopt` imports the profile elsewhere. The
command listens to signals before the imports that take time.
"""

import sys
from typing import TYPE_CHECKING

from profiler.common.signals import Interruption, reopen_standard_streams

if TYPE_CHECKING:
    import argparse


def arguments() -> "argparse.ArgumentParser":
    """The parser of the command's arguments."""
    import argparse
    from pathlib import Path

    from profiler.common.locks import add_wait
    from profiler.common.version import name_and_version

    parser = argparse.ArgumentParser(prog="python -m profiler", description=__doc__)
    parser.add_argument("--version", action="version", version=name_and_version())
    parser.add_argument("model", type=Path, help="an ONNX file; for runtime=torch with its program beside it, as .pt")
    parser.add_argument("request", type=Path, help="a target and a level, from 'dnn-porting request'")
    parser.add_argument("--output", type=Path, default=Path("profile.json"))
    parser.add_argument("--endpoint", help="the running server that the request may use: HOST:PORT on this machine")
    add_wait(parser, None, "that of the request")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="profile.NAME=VALUE",
        help="another setting than that of the request, for example profile.budget_s=60; as often as needed",
    )
    return parser


def main() -> int:
    """The exit code; every error is one line."""
    reopen_standard_streams()
    interruption = Interruption("profiler: interrupted: no point was measured, run it again")
    interruption.listen()
    from profiler.common.ending import explained, guarded, lines_only

    lines_only("profiler")
    options = arguments().parse_args()
    interruption.line = f"profiler: interrupted: {options.output} has the finished points, run again to continue"

    def work() -> None:
        # The import is late, so that an import error is one line too.
        from profiler.command import profile

        profile(options)

    code = guarded("profiler", interruption, work, explained)
    interruption.finish()
    return code


if __name__ == "__main__":
    sys.exit(main())
