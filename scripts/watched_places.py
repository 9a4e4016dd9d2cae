"""The folders of a case, their content, and the files that must not change."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

WATCHED = ("home", "precious", "canary")
# Libraries make these folders during their import, one for each user, and keep them between runs.
KEPT = re.compile(r"torchinductor_.*|\.ses")


def made_case(folder: Path) -> Path:
    """The folders of a case, empty apart from the protected files."""
    for name in ("cwd", "tmp", *WATCHED):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "precious" / "file").write_bytes(b"precious\n" * 100)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    return folder


def listed(places: Sequence[Path]) -> set[str]:
    found = (path for place in places if place.is_dir() for path in place.iterdir())
    return {str(path) for path in found if not KEPT.fullmatch(path.name)}


def state(folder: Path) -> dict[Path, str]:
    """The content of the watched folders, with a digest of each file."""
    found = {}
    for path in (path for name in WATCHED for path in (folder / name).rglob("*")):
        plain = path.is_file() and not path.is_symlink()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""
        found[path.relative_to(folder)] = f"{path.lstat().st_mode}{content}"
    return found


def text_of(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
