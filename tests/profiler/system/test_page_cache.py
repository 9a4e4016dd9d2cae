"""The kernel's own page cache, on a real disk."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support import ROOT

from profiler.system.page_cache import evict, read_in, resident_share

FILE_BYTES = 8 << 20
WITHOUT_A_DISK = {"tmpfs", "ramfs"}


def file_system(path: Path) -> str:
    """The kind of the file system that holds a path."""
    mounts = [one for one in psutil.disk_partitions(all=True) if path.is_relative_to(one.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype


@pytest.fixture
def on_a_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files can leave memory."""
    if file_system(tmp_path) not in WITHOUT_A_DISK:
        yield tmp_path
    elif file_system(ROOT) not in WITHOUT_A_DISK:
        with tempfile.TemporaryDirectory(dir=ROOT / "artifacts") as folder:
            yield Path(folder)
    else:
        pytest.skip("neither the temporary folder nor the repository lies on a disk")


@pytest.fixture
def file(on_a_disk: Path) -> Path:
    path = on_a_disk / "file"
    path.write_bytes(os.urandom(FILE_BYTES))
    return path


def test_a_file_just_written_is_resident(file: Path) -> None:
    assert resident_share(file) == 1


def test_an_evicted_file_is_on_the_disk_only_and_comes_back_by_reading(file: Path) -> None:
    assert evict(file) == resident_share(file) == 0
    assert read_in(file) == resident_share(file) == 1


def test_a_part_that_was_read_is_a_share(file: Path) -> None:
    evict(file)
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        opened.read(FILE_BYTES // 4)
    assert 0 < resident_share(file) < 1


def test_a_hard_link_is_evicted_with_its_file(file: Path) -> None:
    link = file.with_name("link")
    os.link(file, link)
    evict(file)
    assert resident_share(link) == 0


def test_eviction_of_a_file_that_somebody_has_mapped_is_seen_to_fail(file: Path) -> None:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapping:
        assert sum(mapping[:: mmap.PAGESIZE]) > 0
        assert evict(file) > 0


def test_a_file_without_bytes_is_resident(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    assert resident_share(empty) == 1


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        evict(tmp_path / "none")
