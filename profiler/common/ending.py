"""How a command ends: in one line and an exit code, whatever went wrong; never in a trace.

`HYDRA_FULL_ERROR=1` asks for the trace in its place.
"""

import errno
import os
import platform
import re
import select
import shutil
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from profiler.common.errors import DnnPortingError
from profiler.common.fixes import FIXES, FULL, fix_of
from profiler.common.signals import Interruption

FAILURE, CLOSED_PIPE = 1, 141
# Read before Hydra is told to raise its errors instead of printing them.
WITH_TRACE = os.environ.get("HYDRA_FULL_ERROR") == "1"
STAYS = "what was complete stays"
DISK = (*FULL, errno.EIO, errno.EROFS)
RUN_OUT = (errno.EMFILE, errno.EADDRNOTAVAIL)

Explain = Callable[[BaseException], tuple[str, int]]


def lines_only(program: str) -> None:
    """What ends a thread is one line too, and what is raised where nothing can catch it changes nothing.

    Warnings of libraries are for whoever works on this program, and not shown unless Python is told to with `-W`.
    """
    if WITH_TRACE:
        return
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    sys.excepthook = lambda _, error, __: print_line(program, error)
    threading.excepthook = lambda details: print_line(program, details.exc_value)
    sys.unraisablehook = lambda _: None


def print_line(program: str, error: BaseException | None) -> None:
    if error is not None:
        complain(program, *explained(error))


def guarded(program: str, interruption: Interruption, work: Callable[[], None], explain: Explain) -> int:
    """Does the work; an error becomes one line on stderr and an exit code."""
    try:
        interruption.begin()
        work()
    except KeyboardInterrupt:
        return interruption.end()
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        if interruption.came:
            return interruption.end()
        # Libraries in Rust raise one that is no `Exception`.
        if isinstance(error, BrokenPipeError) and nobody_reads():
            # As other tools end whose output goes to `head`.
            return CLOSED_PIPE
        if WITH_TRACE:
            raise
        return complain(program, *explain(error))
    return 0


def complain(program: str, message: str, code: int) -> int:
    """One line on stderr, without what a terminal would obey."""
    line = "".join(one if one.isprintable() else "?" for one in " ".join(message.split()))
    if sys.stderr is not None:
        with suppress(OSError):
            print(f"{program}: {line}", file=sys.stderr)
    return code


def explained(error: BaseException) -> tuple[str, int]:
    """The line for an error, and the exit code."""
    if isinstance(error, DnnPortingError):
        return with_fix(str(error)), error.exit_code
    if isinstance(error, shutil.Error):
        return f"{copy_failed(error)}; {STAYS}", FAILURE
    if isinstance(error, OSError) and error.strerror:
        return f"{of_the_system(error)}; {STAYS}", FAILURE
    if isinstance(error, MemoryError):
        return f"there is not enough memory for this: free some; {STAYS}", FAILURE
    first = (str(error).strip().splitlines() or [""])[0][:200]
    return f"an error that nobody foresaw ({type(error).__name__}: {first}); {STAYS}, {reported(error)}", FAILURE


def with_fix(message: str) -> str:
    """The message, and the fix where a library's words in it say that the machine has run out of something."""
    fixes = [FIXES[code] for code in RUN_OUT if os.strerror(code) in message]
    return ": ".join([message, *(fix for fix in fixes if fix not in message)])


def of_the_system(error: OSError) -> str:
    """What the system refused, and the fix where there is one."""
    # Of two files, the second one is written.
    place = error.filename2 or error.filename
    what = place or ("the disk" if error.errno in DISK else "the system refuses it")
    return with_the_fix(f"{what}: {error.strerror}", error.errno, str(place) if place else None)


def with_the_fix(reason: str, number: int | None, place: str | None) -> str:
    fix = fix_of(number, Path(place) if place else None)
    return f"{reason}: {fix}" if fix else reason


def copy_failed(error: shutil.Error) -> str:
    """The first file that was not copied; `shutil` tells of all of them in a list."""
    failures = error.args[0] if error.args else ""
    if isinstance(failures, list) and failures and len(failures[0]) == 3:
        source, destination, reason = failures[0]
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        number = re.match(r"\[Errno (\d+)\]", str(reason))
        copied = f"{source} cannot be copied ({reason}){more}"
        return with_the_fix(copied, int(number[1]) if number else None, str(destination))
    return str(failures)


def reported(error: BaseException) -> str:
    """Writes trace, command and versions to a new file that only this user can read; the words that say where."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="dnn-porting-report-", suffix=".txt")
        with os.fdopen(descriptor, "w", errors="backslashreplace") as file:
            file.write(report(error))
    except (OSError, MemoryError):
        return "and no report could be written"
    return f"and a report is in {name}"


def report(error: BaseException) -> str:
    installed = sorted({f"{one.name} {one.version}" for one in distributions()})
    parts = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"command: {sys.argv}",
        f"system: {platform.platform()}, Python {sys.version}",
        "".join(traceback.format_exception(error)),
        *installed,
    )
    return "\n".join(parts) + "\n"


def nobody_reads() -> bool:
    """Whether standard output is a pipe without a reader; it leads nowhere then, so that nothing else fails."""
    poll = select.poll()
    poll.register(1, 0)
    if not any(events & select.POLLERR for _, events in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return True
