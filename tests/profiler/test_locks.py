import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import environment

from profiler.errors import BadInputError
from profiler.locks import exclusive

HOLD = """
import sys, time, pathlib
from profiler.locks import exclusive
with exclusive(pathlib.Path(sys.argv[1]), "it"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_one_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        exclusive(path, "task digits"),
        pytest.raises(BadInputError, match=f"task digits is in use by .* {os.getpid()}"),
    ):
        with exclusive(path, "task digits"):
            pass
    with exclusive(path, "task digits"):
        assert path.exists()


def test_a_killed_process_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], env=environment(), stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BadInputError, match=str(holder.pid)), exclusive(path, "it"):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with exclusive(path, "it"):
                return
        except BadInputError:
            time.sleep(0.05)
    pytest.fail("the lock outlived its holder")
