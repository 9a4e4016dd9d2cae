"""Pictures that somebody else put into the folder: nothing waits, nothing fills the memory, and the file is named."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from datamodules.image_folder import SPLITS, ImageFolder
from datamodules.torchvision_sets import Mnist
from profiler.common.errors import BadInputError


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for label in ("ants", "bees"):
        (tmp_path / "p" / label).mkdir(parents=True)
        for number in range(10):
            colour = (number * 20, 10, 250 if label == "ants" else 0)
            Image.new("RGB", (40, 40), colour).save(tmp_path / "p" / label / f"{number}.png")
    return tmp_path / "p"


def png(width: int, height: int) -> bytes:
    """A picture of one colour that is small only in its file."""
    rows = b"".join(b"\0" * (1 + (width + 7) // 8) for _ in range(min(height, 2)))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 9))]
    parts = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
             for kind, data in [*chunks, (b"IEND", b"")]]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def truncated(path: Path) -> None:
    path.write_bytes((path.parent / "0.png").read_bytes()[:60])


def a_bomb(path: Path) -> None:
    path.write_bytes(png(60_000, 60_000))


def a_strip(path: Path) -> None:
    path.write_bytes(png(1_000_000, 1))


def a_program(path: Path) -> None:
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n(pwned) print\n%%EOF\n")


def seen(module: ImageFolder) -> None:
    """Every picture, hashed and decoded."""
    module.digest()
    for name in SPLITS:
        list(module.loader(name))


HOSTILE: list[Callable[[Path], None]] = [a_fifo, a_device, sparse, truncated, a_bomb, a_strip, a_program]


@pytest.mark.parametrize("make", HOSTILE)
def test_a_hostile_picture_is_named_with_the_fix(pictures: Path, make: Callable[[Path], None]) -> None:
    path = pictures / "ants" / "x.png"
    make(path)
    with pytest.raises(BadInputError, match=r"x\.png .*: remove it from the pictures") as caught:
        seen(ImageFolder(pictures, size=32))
    assert "\n" not in str(caught.value)


def test_links_that_lead_in_a_circle_end(pictures: Path) -> None:
    for name in ("one", "two"):
        (pictures / "ants" / name).symlink_to(pictures / "ants")
    assert sum(len(ImageFolder(pictures, size=32).split(name)) for name in ("train", "val", "test")) == 20


@pytest.mark.parametrize("make", [a_fifo, a_device, sparse])
def test_a_data_set_s_own_files_are_plain_and_bounded(tmp_path: Path, make: Callable[[Path], None]) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    make(raw / "train-images-idx3-ubyte")
    with pytest.raises(BadInputError, match="put the published file there"):
        Mnist(tmp_path).split("test")
