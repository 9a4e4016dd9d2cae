import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from profiler.common import archives, door
from profiler.common.archives import packed
from profiler.common.errors import BadInputError


def refusal(path: Path, *, links: bool = True) -> str:
    with pytest.raises(BadInputError) as caught:
        door.contents(path, 10, "give another", links=links)
    return str(caught.value)


def test_a_file_is_read_whole_within_its_limit(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to("f")
    assert door.contents(tmp_path / "f", 10, "") == b"0123456789"
    assert door.contents(tmp_path / "link", 10, "") == b"0123456789"


def test_what_is_no_bounded_plain_file_is_refused_with_the_fix(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(bytes(11))
    (tmp_path / "link").symlink_to("large")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("fifo", "large", "device", "missing", ".", "a\0b"):
        message = refusal(tmp_path / name)
        assert message.endswith("give another")
        assert "\n" not in message
    assert "cannot be read" in refusal(tmp_path / "link", links=False)


def member(shape: tuple[int, ...], content: bytes, kind: str = "<f4") -> bytes:
    """An array file whose header declares this shape."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": kind, "fortran_order": False, "shape": shape})
    return buffer.getvalue() + content


def archive(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        member((1 << 40,), b"1234"),
        member((2,), b"1234"),
        member((1,), b"1234", "|O"),
        bytes(1 << 22),
        b"no array",
        b"",
    ],
    ids=["endless", "short", "pickled", "zeroed", "text", "empty"],
)
def test_an_archive_that_declares_what_it_does_not_bring_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInputError, match=r"damaged or no archive of arrays .*: remove it"):
        archives.arrays(archive(tmp_path / "a.npz", content), "remove it")


def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", member((1 << 20,), bytes(4 << 20)))
    assert path.stat().st_size < 1 << 15
    with pytest.raises(BadInputError, match="unpacks to more than 1048576 bytes"):
        archives.arrays(path, "remove it", 1 << 20)


def test_every_flipped_bit_of_an_archive_is_found_or_harmless(tmp_path: Path) -> None:
    whole = packed({"a": np.arange(7, dtype=np.float32)})
    path, found = tmp_path / "a.npz", 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            arrays = archives.arrays(path, "")
        except BadInputError:
            found += 1
        else:
            assert all(np.array_equal(one, np.arange(7)) for one in arrays.values())
    assert found > len(whole) / 2
