"""Hostile folders of pictures."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from hostile_door import RAN, UNTRACKED, Door, Put, words
from hostile_records import special_files

SMALL = ("train.epochs=1", "backbone.width=0.5", "datamodule.size=16", "task=t", UNTRACKED)


def good(case: Path) -> Path:
    """Two classes of eight pictures."""
    from PIL import Image

    root = case / "in" / "pictures"
    for index, name in enumerate(("a", "b")):
        (root / name).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (16, 16), (index * 200, number * 9, 0)).save(root / name / f"{number}.png")
    return root


door = Door(
    "pictures",
    good,
    {
        "train": words(
            "datamodule=image_folder",
            "datamodule.root={case}/in/pictures",
            "stage=train",
            *SMALL,
            "workspace={case}/ws",
        ),
    },
)


def with_a(data: bytes, name: str = "x.png") -> Put:
    """One more picture."""
    return lambda case: (good(case) / "a" / name).write_bytes(data)


def png(width: int, height: int, data: bytes = b"", kind: int = 2, depth: int = 8, more: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width % (1 << 32), height % (1 << 32), depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def picture(kind: str, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


def packed_zeros(count: int) -> bytes:
    maker = zlib.compressobj(9)
    piece = bytes(1 << 20)
    return b"".join([maker.compress(piece) for _ in range(count >> 20)]) + maker.flush()


def bombs() -> dict[str, Callable[[], bytes]]:
    rows = 12_000 * (12_000 * 3 + 1)
    return {
        "PNG of 60000 × 60000": lambda: png(60_000, 60_000),
        "PNG of 2^31": lambda: png(2**31 - 1, 2**31 - 1),
        "PNG of 0": lambda: png(0, 0),
        "PNG of -1": lambda: png(-1, -1),
        "PNG of 12000 × 12000, whole": lambda: png(12_000, 12_000, packed_zeros(rows)),
        "PNG of 1 × 10^8": lambda: png(1, 10**8, packed_zeros(1 << 28)),
        "PNG with a text of 1 GB": lambda: png(
            16, 16, packed_zeros(1 << 20), more=chunk(b"zTXt", b"k\0\0" + packed_zeros(1 << 30))
        ),
        "PNG with a profile of 1 GB": lambda: png(
            16, 16, packed_zeros(1 << 20), more=chunk(b"iCCP", b"k\0\0" + packed_zeros(1 << 30))
        ),
        "GIF of 65535 × 65535": lambda: (
            b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(6) + b"\x2c\0\0\0\0\xff\xff\xff\xff\0\x08\x00;"
        ),
        "BMP of 2^31": lambda: (
            b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, 0, 0, 0, 0, 0, 0)
        ),
        "TIFF of 2^31": lambda: tiff(2**31),
        "JPEG of 65535 × 65535": lambda: resized(picture("JPEG")),
        "WebP, cut": lambda: picture("WEBP")[:30],
    }


def tiff(side: int) -> bytes:
    entries = [
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (279, 4, 1, 4),
    ]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + bytes(4)


def resized(data: bytes) -> bytes:
    """A JPEG whose head says another size."""
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + b"\xff\xff\xff\xff" + data[place + 4 :]


def add_pictures() -> None:
    for name, make in bombs().items():
        suffix = name.split()[0].lower().rstrip(",")
        file = f"x.{ {'jpeg': 'jpg', 'tiff': 'tif'}.get(suffix, suffix) }"
        door.add(name, lambda case, make=make, file=file: with_a(make(), file)(case))
    plain: dict[str, bytes] = {
        "empty": b"",
        "text": b"no picture",
        "random": bytes(range(256)) * 40,
        "SVG": b"<svg onload='x'/>",
        "PostScript": f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch {RAN}) (w) file\n".encode(),
        "a script": f"#!/bin/sh\ntouch {RAN}\n".encode(),
        "HTML": b"<script>x</script>",
        "a pickle": b"\x80\x04c__builtin__\neval\n.",
    }
    for name, data in plain.items():
        for suffix in ("png", "jpg"):
            door.add(f"bytes: {name}, as .{suffix}", with_a(data, f"x.{suffix}"))
    for kind, mode in (
        ("PNG", "1"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "I;16"),
        ("PNG", "RGBA"),
        ("JPEG", "CMYK"),
        ("TIFF", "F"),
        ("TIFF", "I"),
        ("GIF", "P"),
        ("BMP", "1"),
        ("PPM", "L"),
        ("ICO", "RGBA"),
    ):
        suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(kind, kind.lower())
        door.add(
            f"{kind} of mode {mode}",
            lambda case, kind=kind, mode=mode, suffix=suffix: with_a(picture(kind, mode=mode), f"x.{suffix}")(case),
        )
    for size in ((1, 1), (1, 20_000), (20_000, 1)):
        door.add(f"a picture of {size[0]} × {size[1]}", lambda case, size=size: with_a(picture("PNG", size))(case))
    for share in (0.3, 0.9):
        door.add(
            f"the first {share:.0%} of a JPEG",
            lambda case, share=share: with_a(cut(picture("JPEG"), share), "x.jpg")(case),
        )
    for name in special_files("x"):
        door.add(
            f"a picture that is {name}",
            lambda case, name=name: (good(case), special_files("pictures", "a", "x.png")[name](case)),
        )
        if name not in ("1 TB of zeros",):
            door.add(
                f"a class that is {name}",
                lambda case, name=name: (good(case), special_files("pictures", "c")[name](case)),
            )
    add_folders()


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def add_folders() -> None:
    def many(case: Path) -> None:
        root = good(case)
        for index in range(20_000):
            (root / f"c{index}").mkdir()

    def emptied(case: Path) -> None:
        for path in good(case).rglob("*.png"):
            path.unlink()

    door.add("20000 empty classes", many)
    door.add("no pictures", emptied)
    door.add(
        "one class",
        lambda case: [path.unlink() for path in (good(case) / "b").iterdir()] and (case / "in/pictures/b").rmdir(),
    )
    door.add("a class that is a link up", lambda case: (good(case) / "c").symlink_to(".."))
    door.add("no folder", lambda case: (case / "in").mkdir())
    door.add("a class without rights", lambda case: (good(case) / "a").chmod(0))
    door.add("a train folder that is empty", lambda case: (good(case) / "train").mkdir())


add_pictures()
