"""What a confined process and the one that started it say to each other: lines of JSON, the last one before bytes."""

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

READY, GO, STEP = b"ready\n", b"go\n", b"step "
# Exit codes beside those of signals.
UNCONFINED, OUT_OF_MEMORY = 3, 4
# A line of facts is short; what is long comes after it.
LINE_LIMIT_BYTES = 1 << 16
ALLOCATION_FAILED = (
    "bad_alloc",
    "bad allocation",
    "Failed to allocate memory",
    "not enough memory",
    "out of memory",
    "can't allocate memory",
)
_channels: list[tuple[int, int]] = []
TRUST = "DNN_PORTING_TRUST"


def trusted() -> bool:
    """Foreign programs may run where nothing confines them."""
    return os.environ.get(TRUST) == "1"


@dataclass(frozen=True)
class Task:
    """A function by its dotted path, which takes the file's bytes and these arguments and returns a `Finding`."""

    function: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Plain facts, and content that may be long; or why the file is refused."""

    facts: dict[str, Any] = field(default_factory=dict)
    content: bytes = b""
    refusal: str = ""


@dataclass(frozen=True)
class Step:
    """What a confined process does next: to answer a batch, to count what batches take (-1), or to export (0).

    It asks for processor time, and for memory beside what loading the file may take.
    """

    batch: int
    cpu_s: float
    memory_bytes: int

    @property
    def words(self) -> str:
        if self.batch < 1:
            return "be exported" if self.batch == 0 else "have its batches counted"
        return "answer an input" if self.batch == 1 else f"answer a batch of {self.batch}"


def step_of(line: bytes) -> Step:
    """Raises `ValueError` for a line that no process of ours writes."""
    values = json.loads(line.removeprefix(STEP))
    step = Step(int(values["batch"]), float(values["cpu_s"]), int(values["memory_bytes"]))
    if not (step.cpu_s >= 0 and step.memory_bytes >= 0):
        raise ValueError("a step asks for nothing")
    return step


def told(finding: Finding) -> bytes:
    """The first line of a finding."""
    line = {"facts": finding.facts, "bytes": len(finding.content), "refusal": finding.refusal[:1000]}
    return json.dumps(line).encode() + b"\n"


def write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def tell(results: int, orders: int) -> None:
    """Steps are said through the first descriptor from now on, and the second says when they may begin."""
    _channels.append((results, orders))


def next_step(step: Step) -> None:
    """What was begun before is done."""
    for results, orders in _channels:
        write_all(results, STEP + json.dumps(asdict(step)).encode() + b"\n")
        os.read(orders, len(GO))
