"""Hostile checkpoints: archives that torch did not write, and bytes that are no archive."""

import pickle
import random
import zipfile
from pathlib import Path

from hostile.door import Inputs, Put, inside

DEEP = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
BYTES = {
    "empty": b"",
    "random": random.Random(19).randbytes(1 << 16),
    "zeros": bytes(1 << 16),
    "tar": b"x" * 257 + b"ustar" + bytes(500),
    "pickle of protocol 255": b"\x80\xff.",
    "text": b"weights",
}


def archived(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Put:
    def put(case: Path) -> None:
        with zipfile.ZipFile(inside(case, "weights.pt"), "w", compression) as archive:
            for name, data in members.items():
                archive.writestr(name, data)

    return put


def pickled(data: bytes) -> Put:
    return archived({"a/data.pkl": data}, zipfile.ZIP_STORED)


def bombed(case: Path) -> None:
    """A member that unpacks to 8 GB."""
    with zipfile.ZipFile(inside(case, "weights.pt"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}))
        with archive.open("a/data/0", "w", force_zip64=True) as member:
            piece = bytes(1 << 24)
            for _ in range(512):
                member.write(piece)


def inputs() -> Inputs:
    yield "a bomb", bombed
    yield "traversal", archived({"../../../escape": b"x", "a/data.pkl": pickle.dumps({})})
    yield "no pickle in it", archived({"a/x": bytes(1 << 20)})
    yield "an empty archive", archived({})
    yield "deep pickle", pickled(DEEP)
    yield "huge number in the pickle", pickled(b"\x80\x02\x8b\xff\xff\xff\x7f.")
    yield "truncated pickle", pickled(b"\x80\x02}q\x00")
    for name, data in BYTES.items():
        for suffix in ("pt", "pth", "safetensors"):
            path = f"weights.{suffix}"
            yield (
                f"bytes: {name}, as .{suffix}",
                lambda case, data=data, path=path: inside(case, path).write_bytes(data),
            )
