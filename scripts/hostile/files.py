"""Hostile files of any format: texts that are no JSON, and special files."""

import os
from collections.abc import Callable
from pathlib import Path

from hostile.door import Put, inside

Change = Callable[[str], str | bytes]
CHANGES: dict[str, Change] = {
    "empty": lambda _: "",
    "null": lambda _: "null",
    "a list": lambda _: "[]",
    "a number": lambda _: "7",
    "deep": lambda _: "[" * 1_000_000,
    "deep in a field": lambda text: text.replace("{", '{"x":' + "[" * 100_000, 1),
    "BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "no UTF-8": lambda text: text.encode() + b"\xff\xfe",
    "NUL": lambda text: text + "\0",
    "twice": lambda text: text * 2,
    "a surrogate": lambda text: text.replace('"', '"\\ud800', 1),
    "a field more": lambda text: text.replace("{", '{"more": 1,', 1),
    "ANSI field": lambda text: text.replace("{", '{"\\u001b[31m": 1,', 1),
    "RTL field": lambda text: text.replace("{", '{"a\u202eb": 1,', 1),
    "markup field": lambda text: text.replace("{", '{"[/x]": 1,', 1),
    "half": lambda text: text[: len(text) // 2],
    "10^6 fields": lambda text: text.replace("{", "{" + '"f":1,' * 10**6, 1),
    "300 MB of blanks": lambda text: text + " " * 300_000_000,
}


def whole_files(good: Callable[[Path], str], *parts: str) -> dict[str, Put]:
    """The faults that any text of JSON can have."""
    found = {name: altered(change, good, *parts) for name, change in CHANGES.items()}
    return found | special_files(*parts)


def altered(change: Change, good: Callable[[Path], str], *parts: str) -> Put:
    def put(case: Path) -> None:
        data = change(good(case))
        inside(case, *parts).write_bytes(data.encode() if isinstance(data, str) else data)

    return put


def special_files(*parts: str) -> dict[str, Put]:
    """The special files, which are no plain files."""

    def sparse(case: Path) -> None:
        with inside(case, *parts).open("wb") as file:
            file.truncate(1 << 40)

    return {
        "FIFO": lambda case: os.mkfifo(inside(case, *parts)),
        "a folder": lambda case: inside(case, *parts).mkdir(),
        "a link to /dev/zero": lambda case: inside(case, *parts).symlink_to("/dev/zero"),
        "a link to itself": lambda case: inside(case, *parts).symlink_to(parts[-1]),
        "a link to nothing": lambda case: inside(case, *parts).symlink_to("nowhere"),
        "a link to /proc/self/mem": lambda case: inside(case, *parts).symlink_to("/proc/self/mem"),
        "a link to a secret": lambda case: inside(case, *parts).symlink_to("/etc/passwd"),
        "1 TB of zeros": sparse,
    }
