"""SIGTERM and SIGHUP end a command as Ctrl-C does: one line, 128 + the signal for exit code, nothing left.

The first signal raises `KeyboardInterrupt` in the main thread. It ends the process at once where no work has begun, or
where a module is being imported. Those that follow change nothing, so that nobody interrupts the cleaning up. Python
hears of a signal between two of its own instructions only: a thread that the kernel tells of it at once leaves in place
of a main thread that stays in a library, or that does not come to an end.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Python's own name for the code that imports.
IMPORTS = "<frozen importlib._bootstrap>"
# The main thread has so long to notice a signal, and so long to clean up and be gone.
NOTICE_S, CLEAN_UP_S = 1.0, 10.0
_callbacks: list[Callable[[], None]] = []


def hold_places() -> None:
    """Gives a closed standard stream its number back, before a file gets it that others would then write into."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def on_interruption(callback: Callable[[], None]) -> Callable[[], None]:
    """Has a thread call this as soon as a signal comes, whatever the main thread does."""
    _callbacks.append(callback)
    return callback


class Interruption:
    """The signal that ends this process, if one came; `line` is said of it once."""

    def __init__(self, line: str) -> None:
        self.line, self._begun = line, False
        self._number: int | None = None
        self._noticed, self._unsaid = threading.Event(), threading.Semaphore()

    def listen(self) -> None:
        """Handles the signals from now on; one that this process was started to ignore stays ignored.

        Until work begins, a signal ends the process at once.

        What is forked from this process has Python's own handling of signals again.
        """
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
        # Not before: a closed standard stream must have its number back first.
        self._told, telling = os.pipe()
        os.set_blocking(telling, False)
        signal.set_wakeup_fd(telling, warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=forget)
        threading.Thread(target=self._watch, name="signals", daemon=True).start()

    def begin(self) -> None:
        """A signal from now on raises `KeyboardInterrupt`, as there may be something to clean up."""
        self._begun = True

    def end(self) -> int:
        """Says the line; the exit code. Signals are ignored from now on: Python gives up its handlers as it leaves."""
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN)
        # Not a second time: the other thread may leave at the same moment.
        if self._unsaid.acquire(blocking=False) and sys.stderr is not None:
            with suppress(OSError, ValueError):
                print(self.line, file=sys.stderr, flush=True)
        return 128 + (self._number or signal.SIGINT)

    @property
    def came(self) -> bool:
        """Whether a signal has ended the work; libraries may turn its exception into one of their own."""
        return self._noticed.is_set()

    def over(self) -> None:
        """A signal from now on raises nothing: this process is leaving."""
        self._noticed.set()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._noticed.is_set():
            self._came_first(number)
            self._noticed.set()
            if not self._begun:
                os._exit(self.end())
            if is_importing(frame):
                self._leave()
            raise KeyboardInterrupt

    def _came_first(self, number: int) -> None:
        """The exit code tells of this signal, unless another came before."""
        self._number = self._number or number

    def _watch(self) -> None:
        # The wake-up tells of every signal that Python handles, in their order; the main thread hears of the one with
        # the smallest number first.
        while (number := os.read(self._told, 1)[0]) not in ENDING:
            pass
        self._came_first(number)
        for callback in _callbacks:
            callback()
        if not self._noticed.wait(NOTICE_S):
            self._leave()
        threading.Event().wait(CLEAN_UP_S)
        self._leave()

    def _leave(self) -> None:
        """Leaves nothing, and does not wait for the main thread."""
        # What is half imported cannot be used, and has left nothing.
        with suppress(ImportError, AttributeError):
            # Not before: no command needs half of it to say what it can do.
            from profiler.common.leftovers import clear_away

            clear_away()
        os._exit(self.end())


def is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported there: libraries lose what is raised in the middle of that."""
    while frame is not None and frame.f_code.co_filename != IMPORTS:
        frame = frame.f_back
    return frame is not None


def forget() -> None:
    """In a forked process: signals are handled as if nobody had said anything."""
    signal.set_wakeup_fd(-1)
    for number in ENDING:
        if isinstance(getattr(signal.getsignal(number), "__self__", None), Interruption):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
