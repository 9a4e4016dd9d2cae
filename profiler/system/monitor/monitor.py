"""Snapshots at a steady pace in the background."""

import threading
import time
from types import TracebackType
from typing import Self

from profiler.common.errors import DnnPortingError
from profiler.records.state import SystemState
from profiler.system.monitor.reader import StateReader

PERIOD_S = 1.0
ANSWER_S = 10.0


class Monitor:
    """While entered, fills `samples`: one before `with` goes on, one each `period_s`, one at the end.

    A snapshot costs about a millisecond of CPU time without a GPU. `own_cores` is what the monitor took itself,
    in CPU seconds a second, once it has stopped. Leaving raises what went wrong while sampling.
    """

    def __init__(self, reader: StateReader, period_s: float = PERIOD_S) -> None:
        self.samples: list[SystemState] = []
        self.own_cores: float | None = None
        self._reader, self._period_s = reader, period_s
        self._begun, self._stop = threading.Event(), threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._sample, name="monitor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._begun.wait(ANSWER_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(ANSWER_S)
        if kind is not None:
            return
        if self._thread.is_alive():
            raise DnnPortingError(f"the monitor did not stop within {ANSWER_S:g} s: a driver does not answer")
        if self._failure is not None:
            raise self._failure

    def _sample(self) -> None:
        start_s = time.monotonic()
        try:
            with self._reader:
                self.samples.append(self._reader.read())
                self._begun.set()
                while not self._stop.wait(self._period_s):
                    self.samples.append(self._reader.read())
                self.samples.append(self._reader.read())
        except Exception as error:
            self._failure = error
        finally:
            self._begun.set()
            self.own_cores = time.thread_time() / (time.monotonic() - start_s)
