"""A full disk is named by the place that is written to."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from profiler.common.ending import explained
from profiler.common.errors import BadInputError
from profiler.common.files import write_atomically
from profiler.common.locks import exclusive
from profiler.common.scratch import scratch

TOO_MUCH = bytes(1 << 20)


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place for temporary files, which has room for 100 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    monkeypatch.setattr("tempfile.tempdir", str(place))
    yield place
    subprocess.run(["umount", str(place)], check=True)


def in_scratch(place: Path) -> None:
    with scratch("test") as made:
        (made.folder / "file").write_bytes(TOO_MUCH)


def copied(place: Path) -> None:
    source = place.parent / "source"
    source.write_bytes(TOO_MUCH)
    with scratch("test") as made:
        shutil.copyfile(source, made.folder / "file")


def tree(place: Path) -> None:
    source = place.parent / "tree"
    source.mkdir()
    (source / "source").write_bytes(TOO_MUCH)
    shutil.copytree(source, place / "tree")


@pytest.mark.parametrize("write", [in_scratch, copied, tree, lambda place: write_atomically(place / "file", TOO_MUCH)])
def test_a_full_place_for_temporary_files_is_named_with_the_fix(
    small_disk: Path, write: Callable[[Path], object]
) -> None:
    with pytest.raises(OSError, match="No space") as caught:
        write(small_disk)
    line, _ = explained(caught.value)
    assert str(small_disk) in line
    assert "No space left on device" in line
    assert "free some space, or set TMPDIR to another folder" in line


def test_another_full_disk_is_not_taken_for_the_place_of_temporary_files(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(OSError, match="No space") as caught, scratch("test"), (small_disk / "file").open("wb") as file:
        file.write(TOO_MUCH)
    assert explained(caught.value)[0].startswith("the disk: No space left on device: free some space;")


def test_a_full_disk_below_the_folder_of_temporary_files_is_not_theirs(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(OSError, match="No space") as caught:
        write_atomically(small_disk / "file", TOO_MUCH)
    line, _ = explained(caught.value)
    assert str(small_disk) in line
    assert "free some space;" in line


def test_a_lock_on_a_disk_without_a_free_file_asks_for_space(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,nr_inodes=1", str(small_disk)], check=True)
    with pytest.raises(BadInputError, match=r"cannot be opened \(No space left on device\): free some space"):
        with exclusive(small_disk / "lock", "it"):
            pass
