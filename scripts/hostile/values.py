"""Hostile values: texts that a terminal, a shell or a path obeys, numbers, and values of another kind."""

import json
from collections.abc import Sequence
from typing import Any

from hostile.door import RAN

Json = Any
DIRTY = {
    "ANSI": "a\x1b[31m\x1b]0;x\x07",
    "RTL": "a\u202eb\u2066c",
    "lines": "a\nb\rc",
    "long": "x" * 1_000_000,
    "markup": "[/x][link=file:///etc/passwd]a[/link]",
    "shell": f"$(touch {RAN})",
}
HUGE = (2**31, 10**9, 10**15, 10**40, -1, 0, 1e308, 5e-324)
RAW = ("NaN", "Infinity", "-Infinity", "1e400", "9" * 1_000_000)
# These values replace any value.
WRONG: tuple[Json, ...] = (
    None,
    True,
    "",
    "text",
    [],
    {},
    [[[]]],
    {"_target_": "os.system", "command": f"touch {RAN}"},
    "\x1b[31m",
    "../../../x",
    "a\u202eb",
    "x" * 1_000_000,
)


def replaced(value: Json, path: tuple[Any, ...], new: Json) -> Json:
    """A copy with another value in that place."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return copy


def assign(value: Json, path: Sequence[str | int], new: Json) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def named(path: Sequence[Any]) -> str:
    return ".".join(map(str, path))


def path_of(field: str) -> tuple[str | int, ...]:
    """A place by its dotted name."""
    return tuple(int(part) if part.isdigit() else part for part in field.split("."))
