"""The door of folders of pictures."""

import shutil
from pathlib import Path

from hostile.door import RAN, UNTRACKED, Door, Inputs, Put, words
from hostile.files import special_files
from hostile.picture_bombs import bombs, picture

SMALL = ("train.epochs=1", "backbone.width=0.5", "datamodule.size=16", "task=t", UNTRACKED)
SUFFIXES = {"JPEG": "jpg", "TIFF": "tif"}
BYTES: dict[str, bytes] = {
    "empty": b"",
    "text": b"no picture",
    "random": bytes(range(256)) * 40,
    "SVG": b"<svg onload='x'/>",
    "PostScript": f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch {RAN}) (w) file\n".encode(),
    "a script": f"#!/bin/sh\ntouch {RAN}\n".encode(),
    "HTML": b"<script>x</script>",
    "a pickle": b"\x80\x04c__builtin__\neval\n.",
}
MODES = (
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
)


def good(case: Path) -> Path:
    """Two classes of eight pictures."""
    from PIL import Image

    root = case / "in" / "pictures"
    for index, name in enumerate(("a", "b")):
        (root / name).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (16, 16), (index * 200, number * 9, 0)).save(root / name / f"{number}.png")
    return root


def with_a(data: bytes, name: str = "x.png") -> Put:
    """The good folder with one more picture."""
    return lambda case: (good(case) / "a" / name).write_bytes(data)


def suffix(kind: str) -> str:
    return SUFFIXES.get(kind, kind.lower())


def pictures() -> Inputs:
    for name, make in bombs().items():
        file = f"x.{suffix(name.split()[0].rstrip(','))}"
        yield name, lambda case, make=make, file=file: with_a(make(), file)(case)
    for name, data in BYTES.items():
        for ending in ("png", "jpg"):
            yield f"bytes: {name}, as .{ending}", with_a(data, f"x.{ending}")
    for kind, mode in MODES:
        yield (
            f"{kind} of mode {mode}",
            lambda case, kind=kind, mode=mode: with_a(picture(kind, mode=mode), f"x.{suffix(kind)}")(case),
        )
    for size in ((1, 1), (1, 20_000), (20_000, 1)):
        yield f"a picture of {size[0]} × {size[1]}", lambda case, size=size: with_a(picture("PNG", size))(case)
    for share in (0.3, 0.9):
        yield (
            f"the first {share:.0%} of a JPEG",
            lambda case, share=share: with_a(cut(picture("JPEG"), share), "x.jpg")(case),
        )


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def specials() -> Inputs:
    for name in special_files("x"):
        yield f"a picture that is {name}", special(name, "a", "x.png")
        if name != "1 TB of zeros":
            yield f"a class that is {name}", special(name, "c")


def special(name: str, *parts: str) -> Put:
    return lambda case: (good(case), special_files("pictures", *parts)[name](case))


def folders() -> Inputs:
    def many(case: Path) -> None:
        root = good(case)
        for index in range(20_000):
            (root / f"c{index}").mkdir()

    def emptied(case: Path) -> None:
        for path in good(case).rglob("*.png"):
            path.unlink()

    yield ("20000 empty classes", many)
    yield ("no pictures", emptied)
    yield ("one class", lambda case: shutil.rmtree(good(case) / "b"))
    yield ("a class that is a link up", lambda case: (good(case) / "c").symlink_to(".."))
    yield ("no folder", lambda case: (case / "in").mkdir())
    yield ("a class without rights", lambda case: (good(case) / "a").chmod(0))
    yield ("a train folder that is empty", lambda case: (good(case) / "train").mkdir())


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
for inputs in (pictures, specials, folders):
    door.add_all(inputs())
