"""The journal of an orchestrator as JSON lines: one for each second of a server, one for each switch."""

import errno
import os
import threading
from pathlib import Path
from typing import Self

from pydantic import Field, TypeAdapter, ValidationError

from orchestrators.policies.rules import Rule
from profiler.common.door import contents
from profiler.common.errors import BadInputError
from profiler.records.base import Value


class Second(Value):
    """One server in the second that ended at `moment_s` (`clock.unix_s`): the observation and the decision.

    `cpu_share` is the used share of the cores that the server may use, 0 to 1. `demand_rps` are the received requests/s
    and `versions` the versions that answered, both by task. For a server that did not answer the share is 0, and there
    are neither demand nor versions. `notice` is for an administrator.
    """

    moment_s: float
    server: str
    cpu_share: float = Field(ge=0, le=1)
    demand_rps: dict[str, float]
    versions: dict[str, str]
    rule: Rule
    reason: str
    notice: str | None = None


class Switched(Value):
    """The replacement of a task's network on a server; with an `error` it failed, and `before` still answers.

    `before` is null where no network answered for the task. Moments are of `clock.unix_s`.
    """

    server: str
    task: str
    before: str | None
    after: str
    began_s: float
    ended_s: float
    error: str | None = None


LIMIT_BYTES = 1 << 30
FIX = "give the journal of a live run"
LINE: TypeAdapter[Second | Switched] = TypeAdapter(Second | Switched)


class Journal:
    """A journal file that any thread appends to; a reader sees a record as soon as `add` returns.

    While the file cannot be written, as on a full disk, records are lost and `trouble` has the reason.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock, self._file = threading.Lock(), path.open("ab", buffering=0)
        self._path, self.trouble = path, ""
        # An orchestrator that was killed may leave the last line unfinished.
        os.truncate(path, contents(path, LIMIT_BYTES, FIX).rfind(b"\n") + 1)

    def add(self, record: Second | Switched) -> None:
        """Appends one line."""
        with self._lock:
            try:
                self._write(record.model_dump_json().encode() + b"\n")
                self.trouble = ""
            except OSError as error:
                self.trouble = f"{self._path} cannot be written: {error.strerror}"

    def _write(self, line: bytes) -> None:
        """Writes all of the line or nothing, as a part of it would spoil the next line."""
        end = self._file.seek(0, os.SEEK_END)
        if self._file.write(line) != len(line):
            self._file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_journal(path: Path) -> tuple[list[Second], list[Switched]]:
    """All seconds and all switches in their order; a last line that is unfinished is left out.

    Raises `BadInputError` for a missing file, and for a line that is neither.
    """
    *lines, _unfinished = contents(path, LIMIT_BYTES, FIX).split(b"\n")
    records = [parsed(path, number, line) for number, line in enumerate(lines, start=1)]
    seconds = [record for record in records if isinstance(record, Second)]
    return seconds, [record for record in records if isinstance(record, Switched)]


def parsed(path: Path, number: int, line: bytes) -> Second | Switched:
    """The record of one line; raises `BadInputError` for any other content."""
    try:
        return LINE.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInputError(
            f"line {number} of {path} is no second and no switch ({first['msg']}): remove it"
        ) from error
