"""Closed standard streams: no file takes their places, and a reader that goes away ends the program quietly."""

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

# What a shell says of a program that wrote to a pipe which nobody reads.
PIPE_CLOSED = 128 + signal.SIGPIPE


def hold_places() -> None:
    """Gives a closed standard stream its number back, before a file gets it that others would then write into."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def tell(text: str) -> None:
    """One line on standard output, at once."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        reader_is_gone()


def reader_is_gone() -> NoReturn:
    """Ends the program; nothing is flushed to the pipe any more."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(PIPE_CLOSED)
