"""The command `dnn-porting`, which handles signals before it imports slow modules."""

import os
import sys
from collections.abc import Mapping

from profiler.common.signals import Interruption, reopen_standard_streams

PROGRAM = "dnn-porting"
interruption = Interruption(f"{PROGRAM}: interrupted: complete results stay, run the same command to go on")


def run(commands: Mapping[str, str]) -> None:
    """Runs `dnn-porting` with the arguments of this process; `commands` are the modules of the commands by name."""
    reopen_standard_streams()
    interruption.listen()
    # Spinning OpenMP threads of one process starve those of another on a small machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # This reads HYDRA_FULL_ERROR before the line below sets it.
    from profiler.common.ending import lines_only

    lines_only(PROGRAM)
    os.environ["HYDRA_FULL_ERROR"] = "1"
    from porting.command_line.dispatch import dispatch, done

    arguments = sys.argv[1:]
    try:
        sys.exit(done(lambda: dispatch(commands, arguments)))
    finally:
        interruption.finish()
