"""The protocol between a confined process and its parent: lines of JSON, then the bytes of the finding.

A confined process announces each step and waits until the parent has set the limits of the step. `DNN_PORTING_TRUST=1`
declares foreign files as trusted; it concerns this machine, so it is part of no key.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

READY, GO, STEP = b"ready\n", b"go\n", b"step "
# Exit codes in addition to those of signals.
UNCONFINED, OUT_OF_MEMORY = 3, 4
# A line of facts is short; long content comes after it.
LINE_LIMIT_BYTES = 1 << 16
ALLOCATION_FAILED = (
    "bad_alloc", "bad allocation", "Failed to allocate memory", "not enough memory", "out of memory",
    "can't allocate memory",
)  # fmt: skip
_channels: list[tuple[int, int]] = []
TRUST = "DNN_PORTING_TRUST"


def trusted() -> bool:
    """Whether the user allows foreign programs to run unconfined."""
    return os.environ.get(TRUST) == "1"


@dataclass(frozen=True)
class Task:
    """A function by its dotted path, which takes the file's bytes and these arguments, and returns a `Finding`."""

    function: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Plain facts and content that may be long, or the reason why the file is refused."""

    facts: dict[str, Any] = field(default_factory=dict)
    content: bytes = b""
    refusal: str = ""


@dataclass(frozen=True)
class Step:
    """The next step of a confined process: to answer a batch, to count the memory of batches (-1), or to export (0)."""

    batch: int
    cpu_s: float
    memory_bytes: int

    @property
    def words(self) -> str:
        """The step in words, as error messages name it."""
        if self.batch < 1:
            return "be exported" if self.batch == 0 else "have its batches counted"
        return "answer an input" if self.batch == 1 else f"answer a batch of {self.batch}"


def step_of(line: bytes) -> Step:
    """The step in a line; raises `ValueError` for a line that is none."""
    values = json.loads(line.removeprefix(STEP))
    step = Step(int(values["batch"]), float(values["cpu_s"]), int(values["memory_bytes"]))
    if not (step.cpu_s >= 0 and step.memory_bytes >= 0):
        raise ValueError("a step has a negative limit")
    return step


def write_all(descriptor: int, content: bytes) -> None:
    """Writes the whole content to a descriptor."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def announce_steps(results: int, orders: int) -> None:
    """Has steps written to the first descriptor from now on; the second one receives the permission to begin."""
    _channels.append((results, orders))


def next_step(step: Step) -> None:
    """Announces a step, which ends the one before, and waits for permission; does nothing in other processes."""
    for results, orders in _channels:
        write_all(results, STEP + json.dumps(asdict(step)).encode() + b"\n")
        os.read(orders, len(GO))
