"""Hostile files of samples: archives of arrays."""

import io
import os
import pickle
import random
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from hostile.door import RAN


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def declared(shape: Sequence[int], kind: str = "<f8", data: bytes = b"") -> bytes:
    """An array's file with a declared shape, which may be wrong."""
    text = repr({"descr": kind, "fortran_order": False, "shape": tuple(shape)}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def bomb() -> bytes:
    buffer = io.BytesIO()
    size = 6 << 30
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as member,
    ):
        member.write(declared([size // 8]))
        piece = bytes(1 << 24)
        for _ in range(size >> 24):
            member.write(piece)
    return buffer.getvalue()


class Call:
    def __reduce__(self) -> Any:
        return os.system, (f"touch {RAN}",)


def pickled() -> bytes:
    return zipped({"a.npy": declared([1], "|O", pickle.dumps(Call()))})


SAMPLES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"samples",
    "random": lambda: random.Random(22).randbytes(10_000),
    "an empty archive": lambda: zipped({}),
    "6 GB": bomb,
    "3.6 TiB by its header": lambda: zipped({"a.npy": declared([5 * 10**11])}),
    "negative shape": lambda: zipped({"a.npy": declared([-1])}),
    "2^62": lambda: zipped({"a.npy": declared([2**62])}),
    "pickled": pickled,
    "members that are no arrays": lambda: zipped({"a.npy": b"x", "b": b"y"}),
    "10^5 members": lambda: zipped({f"a{index}.npy": b"" for index in range(100_000)}),
    "traversal": lambda: zipped({"../../../../escape.npy": declared([1], data=bytes(8))}),
    "ANSI": lambda: zipped({"\x1b[31m.npy": declared([1], data=bytes(8))}),
    "header of a program": lambda: zipped(
        {"a.npy": b"\x93NUMPY\x01\x00\x40\x00" + b"__import__('os').system('touch " + RAN.encode() + b"')".ljust(80)}
    ),
    "text arrays": lambda: zipped({"a.npy": declared([1], "<U9", bytes(36))}),
    "one of 10^5 axes": lambda: zipped({"a.npy": declared([1] * 10_000, data=bytes(8))}),
}
