"""`python -m profiler MODEL [REQUEST]`: profiles one file on this box, which needs the plain install only.

The request is what `dnn-porting request` writes: a target and a level. The profile is carried back and taken
in with `dnn-porting adopt`.
"""

import argparse
import sys
from pathlib import Path

from profiler.ending import explained, guarded, lines_only
from profiler.signals import Interruption
from profiler.streams import hold_places


def main() -> int:
    """The exit code; whatever goes wrong is one line."""
    hold_places()
    lines_only("profiler")
    parser = argparse.ArgumentParser(prog="python -m profiler", description=__doc__)
    parser.add_argument("model", type=Path, help="an ONNX file; for runtime=torch with its program beside it, as .pt")
    parser.add_argument("request", type=Path)
    parser.add_argument("--output", type=Path, default=Path("profile.json"))
    parser.add_argument("--endpoint", help="the running server that the request may measure on: HOST:PORT on this box")
    options = parser.parse_args()
    line = f"profiler: interrupted: {options.output} has what was finished, run again to go on"
    interruption = Interruption(line)
    interruption.listen()

    def work() -> None:
        # Only now: what cannot be imported is one line too.
        from profiler.command import profile

        profile(options)

    code = guarded("profiler", interruption, work, explained)
    interruption.over()
    return code


if __name__ == "__main__":
    sys.exit(main())
