"""A published repository goes to object storage: immutable releases, and one small file that names the latest."""

from collections.abc import Iterator
from pathlib import Path

from porting.repository.integrity import check_whole
from porting.repository.reader import INDEX, Repository
from porting.repository.signature import SIGNATURE
from porting.repository.storage import LATEST, Latest, is_local, opened, store_errors
from profiler.common.errors import BadInputError
from profiler.common.files import sha256

RELEASE_LENGTH = 12


def upload(repository: Path, url: str) -> str:
    """Copies the repository in the folder `repository` to `<url>/<release>/`, and returns that address.

    `Storage.at(url)` finds the latest release, and sees the one before it until this one is there whole: its index is
    the last of its files, and `latest.json` the last of all. That takes a store that shows an object whole or not
    at all, as S3 does. A release that is there is not written again; what a killed writer left is completed.
    Raises `BadInputError` for a repository that is not whole, a place that does not exist or is forbidden, and
    `DnnPortingError` where the store fails.
    """
    published = Repository.load(repository)
    folder = published.storage.local
    check_whole(published)
    filesystem, path = opened(url)
    if is_local(filesystem):
        raise BadInputError(f"{url} is a local folder, where files appear in parts: give workspace=FOLDER instead")
    release = sha256(folder / INDEX)[:RELEASE_LENGTH]
    place = f"{path.rstrip('/')}/{release}"
    files = [*all_but_the_index(folder), folder / INDEX]
    with store_errors(url):
        if not filesystem.exists(f"{place}/{INDEX}"):
            for file in files:
                filesystem.put_file(str(file), f"{place}/{file.relative_to(folder).as_posix()}")
        elif (folder / SIGNATURE).is_file():
            # It may have been signed since.
            filesystem.put_file(str(folder / SIGNATURE), f"{place}/{SIGNATURE}")
        latest = Latest(release=release).model_dump_json().encode()
        filesystem.pipe_file(f"{path.rstrip('/')}/{LATEST}", latest)
    return f"{url.rstrip('/')}/{release}"


def all_but_the_index(folder: Path) -> Iterator[Path]:
    """Every other file."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / INDEX:
            yield path
