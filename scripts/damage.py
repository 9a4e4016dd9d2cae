"""Kinds of damage to a file, or to a link, each in place."""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """The damaged file, another one of its kind (`None` without one), and a file that must not change."""

    path: Path
    other: Path | None
    protected: Path


class Impossible(Exception):  # noqa: N818
    """This damage is not possible for this file; the text has the reason."""


def truncated(place: Place) -> None:
    size = place.path.stat().st_size
    if not size:
        raise Impossible("it is empty")
    os.truncate(place.path, size // 2)


def zeroed(place: Place) -> None:
    size = place.path.stat().st_size
    if not size:
        raise Impossible("it is empty")
    place.path.write_bytes(bytes(size))


def flipped(share: float) -> Callable[[Place], None]:
    """The content with one flipped bit near that share of the file; the choice is the same each time."""

    def flip(place: Place) -> None:
        content = bytearray(place.path.read_bytes())
        if not content:
            raise Impossible("it is empty")
        chance = random.Random(f"{place.path.name} {share}")  # noqa: S311
        where = min(len(content) - 1, int(len(content) * min(1.0, max(0.0, share + chance.uniform(-0.05, 0.05)))))
        content[where] ^= 1 << chance.randrange(8)
        place.path.write_bytes(content)

    return flip


def swapped(place: Place) -> None:
    if place.other is None:
        raise Impossible("there is no other of its kind")
    content = place.other.read_bytes()
    if content == place.path.read_bytes():
        raise Impossible("the other of its kind is equal")
    place.path.write_bytes(content)


def deleted(place: Place) -> None:
    remove(place.path)


def unreadable(place: Place) -> None:
    place.path.chmod(0)


def linked(place: Place) -> None:
    remove(place.path)
    place.path.symlink_to(place.protected)


def folder(place: Place) -> None:
    remove(place.path)
    place.path.mkdir()
    (place.path / "inside").write_text("")


def fifo(place: Place) -> None:
    remove(place.path)
    os.mkfifo(place.path)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


DAMAGES: dict[str, Callable[[Place], None]] = {
    "truncated": truncated,
    "zeroed": zeroed,
    "flip early": flipped(0.05),
    "flip middle": flipped(0.5),
    "flip late": flipped(0.95),
    "swapped": swapped,
    "deleted": deleted,
    "unreadable": unreadable,
    "link": linked,
    "folder": folder,
    "FIFO": fifo,
}
# A link itself has no content.
OF_LINKS = ("deleted", "link", "folder", "FIFO", "swapped")


def mark(path: Path) -> str:
    """The state of a path, which shows a change of it."""
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_dir():
        return "folder"
    if not path.exists():
        return "nothing"
    if path.is_fifo():
        return "FIFO"
    # Root also reads files of mode 0.
    return f"{path.stat().st_mode:o} {path.read_bytes().hex()}"
