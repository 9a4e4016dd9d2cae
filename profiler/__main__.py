"""`python -m profiler MODEL [REQUEST]`: profiles one file on this box, which needs the plain install only.

The request is what `dnn-porting request` writes: a target and a level. The profile is carried back and taken
in with `dnn-porting adopt`. It listens to signals before it imports anything that takes time.
"""

import sys

from profiler.common.signals import Interruption, hold_places


def main() -> int:
    """The exit code; whatever goes wrong is one line."""
    hold_places()
    interruption = Interruption("profiler: interrupted: nothing was measured, run it again")
    interruption.listen()
    from profiler.arguments import read_options
    from profiler.common.ending import explained, guarded, lines_only

    lines_only("profiler")
    options = read_options(__doc__)
    interruption.line = f"profiler: interrupted: {options.output} has what was finished, run again to go on"

    def work() -> None:
        # Only now: what cannot be imported is one line too.
        from profiler.command import profile

        profile(options)

    code = guarded("profiler", interruption, work, explained)
    interruption.over()
    return code


if __name__ == "__main__":
    sys.exit(main())
