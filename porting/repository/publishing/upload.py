"""The upload of a repository to object storage: immutable releases, and a small file that names the latest."""

from pathlib import Path

from porting.repository.integrity import SIGNATURE, check_whole
from porting.repository.reader import INDEX, Repository
from porting.repository.storage import LATEST, Latest, is_local, opened, store_errors
from profiler.common.errors import BadInputError
from profiler.common.files import sha256

RELEASE_LENGTH = 12


def upload(repository: Path, url: str) -> str:
    """Copies the repository in the folder `repository` to `<url>/<release>/`, and returns that address.

    Readers of `Storage.at(url)` see the previous release until this one is complete: the index is the last of its
    files, and `latest.json` is written after it. This needs a store that shows an object whole or not at all, as S3
    does. A complete release is not written again, and an incomplete one of a killed upload is completed. Raises
    `BadInputError` for a changed repository and for an address that does not exist or is forbidden, and
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
    others = sorted(one for one in folder.rglob("*") if one.is_file() and one != folder / INDEX)
    with store_errors(url):
        if not filesystem.exists(f"{place}/{INDEX}"):
            for file in (*others, folder / INDEX):
                filesystem.put_file(str(file), f"{place}/{file.relative_to(folder).as_posix()}")
        elif (folder / SIGNATURE).is_file():
            # The repository may have been signed since that upload.
            filesystem.put_file(str(folder / SIGNATURE), f"{place}/{SIGNATURE}")
        latest = Latest(release=release).model_dump_json().encode()
        filesystem.pipe_file(f"{path.rstrip('/')}/{LATEST}", latest)
    return f"{url.rstrip('/')}/{release}"
