"""Published repositories for hostile changes, with right digests."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from hostile.door import Put
from hostile.values import Json


def copied(case: Path) -> Path:
    """The published folder alone."""
    root = case / "in" / "repository"
    shutil.copytree((case / "base" / "repository").resolve(), root)
    return root


def altered(change: Callable[[Path], object], fitting: bool = False) -> Put:
    """A copy after a change of its files, with right digests on request."""

    def put(case: Path) -> None:
        root = copied(case)
        before = digests(root)
        change(root)
        if fitting:
            fit(root, before)

    return put


def digests(root: Path) -> dict[Path, str]:
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.stat().st_size < 1 << 28}


def fit(root: Path, before: dict[Path, str]) -> None:
    """Writes each changed file's digest in the places of the old one, until no file changes any more.

    A new file is added to the list of the details.
    """
    list_new_files(root, before)
    for _ in range(8):
        now = digests(root)
        old = {before[path]: now[path] for path in before.keys() & now.keys() if before[path] != now[path]}
        if not old:
            return
        for path in now:
            if path.suffix in (".json", ".pbtxt", ".txt", ".sig", ".sha256"):
                text = path.read_bytes()
                new = text
                for was, becomes in old.items():
                    new = new.replace(was.encode(), becomes.encode())
                if new != text:
                    path.write_bytes(resealed(new))
        before = now


def resealed(text: bytes) -> bytes:
    """The text with a right seal in its second line, where it has one."""
    opening, second, rest = [*text.split(b"\n", 2), b"", b""][:3]
    if not second.startswith(b'"seal": "'):
        return text
    return opening + b'\n"seal": "' + hashlib.sha256(rest).hexdigest().encode() + b'",\n' + rest


def list_new_files(root: Path, before: dict[Path, str]) -> None:
    for path, digest in digests(root).items():
        details = root / path.relative_to(root).parts[0] / "variant.json"
        if path in before or not details.is_file() or path == details:
            continue
        content = json.loads(details.read_text())
        content["files"][path.relative_to(details.parent).as_posix()] = digest
        details.write_text(json.dumps(content))


def variant(root: Path) -> Path:
    return min(path.parent for path in root.glob("*/config.pbtxt"))


def the_index(root: Path) -> Path:
    return root / "repository.json"


def the_details(root: Path) -> Path:
    return variant(root) / "variant.json"


def in_json(path: Callable[[Path], Path], change: Callable[[Json], Json | None], fitting: bool = True) -> Put:
    """A change of the index or the details, with right digests in the other files."""

    def changed(root: Path) -> None:
        place = path(root)
        value = json.loads(place.read_text())
        place.write_text(json.dumps(change(value) or value))

    return altered(changed, fitting)
