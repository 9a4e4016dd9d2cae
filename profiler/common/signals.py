"""The end of a command by SIGTERM, SIGHUP or Ctrl-C: one line, exit code 128 + the signal, and no leftovers.

The first signal raises `KeyboardInterrupt` in the main thread, or ends the process at once before work has begun and
while a module is being imported. Later signals do not interrupt the cleaning. Python handles a signal only between two
of its own instructions. A second thread, which the kernel wakes at once, exits in place of a main thread in a library.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The file name that Python gives to its import system.
IMPORTS = "<frozen importlib._bootstrap>"
# The time that the main thread has to notice a signal, and then to clean up and exit.
NOTICE_S, CLEAN_UP_S = 1.0, 10.0
_callbacks: list[Callable[[], None]] = []


def reopen_standard_streams() -> None:
    """Opens the null device for closed standard streams, so that no other file gets their numbers and the output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def on_interruption(callback: Callable[[], None]) -> Callable[[], None]:
    """Registers a function that a thread calls as soon as a signal comes, even if the main thread is busy."""
    _callbacks.append(callback)
    return callback


class Interruption:
    """The signal that ends this process, if one came; its `line` is printed once."""

    def __init__(self, line: str) -> None:
        self.line, self._begun = line, False
        self._number: int | None = None
        self._noticed, self._unprinted = threading.Event(), threading.Semaphore()

    def listen(self) -> None:
        """Handles the signals from now on; a signal that the process was started to ignore stays ignored.

        Until work begins, a signal ends the process at once. A forked process has Python's own handlers again.
        """
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
        # This follows `reopen_standard_streams`: the pipe must not get the number of a closed standard stream.
        self._signals, writing_end = os.pipe()
        os.set_blocking(writing_end, False)
        signal.set_wakeup_fd(writing_end, warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=restore_handlers)
        threading.Thread(target=self._watch, name="signals", daemon=True).start()

    def begin(self) -> None:
        """Makes a signal raise `KeyboardInterrupt` from now on, as the work may need cleaning up."""
        self._begun = True

    def end(self) -> int:
        """Prints the line and returns the exit code; signals are ignored from now on, as Python drops its handlers."""
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN)
        # The semaphore prevents a second line: the other thread may exit at the same moment.
        if self._unprinted.acquire(blocking=False) and sys.stderr is not None:
            with suppress(OSError, ValueError):
                print(self.line, file=sys.stderr, flush=True)
        return 128 + (self._number or signal.SIGINT)

    @property
    def received(self) -> bool:
        """Whether a signal has ended the work; libraries may replace its exception by their own."""
        return self._noticed.is_set()

    def finish(self) -> None:
        """Makes signals raise nothing from now on, as this process is exiting."""
        self._noticed.set()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._noticed.is_set():
            self._number = self._number or number
            self._noticed.set()
            if not self._begun:
                os._exit(self.end())
            if is_importing(frame):
                self._exit()
            raise KeyboardInterrupt

    def _watch(self) -> None:
        # The pipe has every signal that Python handles, in order of arrival; the main thread handles the smallest
        # number first.
        while (number := os.read(self._signals, 1)[0]) not in ENDING:
            pass
        self._number = self._number or number
        for callback in _callbacks:
            callback()
        if not self._noticed.wait(NOTICE_S):
            self._exit()
        threading.Event().wait(CLEAN_UP_S)
        self._exit()

    def _exit(self) -> None:
        """Cleans up and exits without the main thread."""
        # A module that is half imported cannot be used, and has created nothing.
        with suppress(ImportError, AttributeError):
            # This import is late, as most commands never need it.
            from profiler.common.leftovers import clean_up

            clean_up()
        os._exit(self.end())


def is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported in this frame: libraries lose exceptions that are raised there."""
    while frame is not None and frame.f_code.co_filename != IMPORTS:
        frame = frame.f_back
    return frame is not None


def restore_handlers() -> None:
    """Restores Python's own signal handlers in a forked process."""
    signal.set_wakeup_fd(-1)
    for number in ENDING:
        if isinstance(getattr(signal.getsignal(number), "__self__", None), Interruption):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
