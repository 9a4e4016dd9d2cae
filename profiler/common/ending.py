"""The end of a command: one line and an exit code for every error, or the trace with `HYDRA_FULL_ERROR=1`."""

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

from profiler.common.errors import FIXES, FULL, DnnPortingError, fix_of
from profiler.common.signals import Interruption

FAILURE, CLOSED_PIPE = 1, 141
# This is read before the program sets the variable itself, which makes Hydra raise its errors.
WITH_TRACE = os.environ.get("HYDRA_FULL_ERROR") == "1"
STAYS = "complete results stay"
DISK = (*FULL, errno.EIO, errno.EROFS)
RUN_OUT = (errno.EMFILE, errno.EADDRNOTAVAIL)

Explain = Callable[[BaseException], tuple[str, int]]


def lines_only(program: str) -> None:
    """Makes Python print one line for an error that ends a thread, and nothing for an error that no code can catch.

    Warnings of libraries are for developers: they are shown with Python's option `-W` only.
    """
    if WITH_TRACE:
        return
    if not sys.warnoptions:
        warnings.simplefilter("ignore")

    def print_line(error: BaseException | None) -> None:
        if error is not None:
            complain(program, *explained(error))

    sys.excepthook = lambda _, error, __: print_line(error)
    threading.excepthook = lambda details: print_line(details.exc_value)
    sys.unraisablehook = lambda _: None


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
        if interruption.received:
            return interruption.end()
        # Libraries in Rust raise errors that are no `Exception`.
        if isinstance(error, BrokenPipeError) and output_is_unread():
            # Other tools end with this code too where their output goes to `head`.
            return CLOSED_PIPE
        if WITH_TRACE:
            raise
        return complain(program, *explain(error))
    return 0


def complain(program: str, message: str, code: int) -> int:
    """Prints one line on stderr without control characters, and returns the exit code."""
    line = "".join(one if one.isprintable() else "?" for one in " ".join(message.split()))
    if sys.stderr is not None:
        with suppress(OSError):
            print(f"{program}: {line}", file=sys.stderr)
    return code


def explained(error: BaseException) -> tuple[str, int]:
    """The line for an error, and the exit code."""
    if isinstance(error, DnnPortingError):
        message = str(error)
        # A library's words in a message may name a resource that the machine has run out of.
        fixes = [FIXES[code] for code in RUN_OUT if os.strerror(code) in message and FIXES[code] not in message]
        return ": ".join([message, *fixes]), error.exit_code
    if isinstance(error, shutil.Error):
        return f"{copy_failed(error)}; {STAYS}", FAILURE
    if isinstance(error, OSError) and error.strerror:
        # Where an error names two files, the second one is written.
        place = error.filename2 or error.filename
        what = place or ("the disk" if error.errno in DISK else "the system refuses it")
        reason = with_fix(f"{what}: {error.strerror}", error.errno, str(place) if place else None)
        return f"{reason}; {STAYS}", FAILURE
    if isinstance(error, MemoryError):
        return f"there is not enough memory for this: free some; {STAYS}", FAILURE
    first = (str(error).strip().splitlines() or [""])[0][:200]
    return f"an unexpected error ({type(error).__name__}: {first}); {STAYS}, {reported(error)}", FAILURE


def with_fix(reason: str, number: int | None, place: str | None) -> str:
    """The reason, with the fix for the error's number where one is known."""
    fix = fix_of(number, Path(place) if place else None)
    return f"{reason}: {fix}" if fix else reason


def copy_failed(error: shutil.Error) -> str:
    """The first file of those that `shutil` could not copy, and the number of the others."""
    failures = error.args[0] if error.args else ""
    if isinstance(failures, list) and failures and len(failures[0]) == 3:
        source, destination, reason = failures[0]
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        number = re.match(r"\[Errno (\d+)\]", str(reason))
        copied = f"{source} cannot be copied ({reason}){more}"
        return with_fix(copied, int(number[1]) if number else None, str(destination))
    return str(failures)


def reported(error: BaseException) -> str:
    """Writes trace, command and versions to a new file that only this user can read; returns words with its name."""
    try:
        parts = (
            f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
            f"command: {sys.argv}",
            f"system: {platform.platform()}, Python {sys.version}",
            "".join(traceback.format_exception(error)),
            *sorted({f"{one.name} {one.version}" for one in distributions()}),
        )
        descriptor, name = tempfile.mkstemp(prefix="dnn-porting-report-", suffix=".txt")
        with os.fdopen(descriptor, "w", errors="backslashreplace") as file:
            file.write("\n".join(parts) + "\n")
    except (OSError, MemoryError):
        return "and no report could be written"
    return f"and a report is in {name}"


def output_is_unread() -> bool:
    """Whether standard output is a pipe without a reader; then it is replaced by the null device."""
    poll = select.poll()
    poll.register(1, 0)
    if not any(events & select.POLLERR for _, events in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return True
