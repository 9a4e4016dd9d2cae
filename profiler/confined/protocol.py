"""What a confined process and the one that started it say to each other: lines of JSON, the last one before bytes."""

import json
import os
from dataclasses import dataclass, field
from typing import Any

READY, GO, STEP = b"ready\n", b"go\n", b"step\n"
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


def told(finding: Finding) -> bytes:
    """The first line of a finding."""
    line = {"facts": finding.facts, "bytes": len(finding.content), "refusal": finding.refusal[:1000]}
    return json.dumps(line).encode() + b"\n"


def write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
