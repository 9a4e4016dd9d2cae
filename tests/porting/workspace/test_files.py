from pathlib import Path

import pytest

from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError
from profiler.common.files import UNFINISHED, copied, json_digest, sha256, write_atomically
from profiler.common.folders import remove_unfinished, whole_folder


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "old")
    write_atomically(path, b"new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def half() -> None:
        with whole_folder(tmp_path / "v") as folder:
            (folder / "half").write_text("")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert list(tmp_path.iterdir()) == []
    with whole_folder(tmp_path / "v") as folder:
        (folder / "whole").write_text("")
        assert not (tmp_path / "v").exists()
    assert (tmp_path / "v" / "whole").exists()


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are made to survive a power cut, in their order."""
    found: list[str] = []
    monkeypatch.setattr(
        "os.fsync", lambda descriptor: found.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    return found


def test_a_folder_and_all_in_it_are_on_the_disk_before_it_gets_its_name_and_then_the_name(
    tmp_path: Path, synced: list[str]
) -> None:
    with whole_folder(tmp_path / "v") as folder:
        (folder / "a").write_text("")
    assert synced == [str(folder / "a"), str(folder), str(tmp_path)]


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_then_the_name(tmp_path: Path, synced: list[str]) -> None:
    write_atomically(tmp_path / "a.json", "new")
    assert synced == [str(tmp_path / f"{UNFINISHED}a.json"), str(tmp_path)]


def test_files_of_a_variant_are_replaced_together_and_what_is_not_written_goes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.write_text("old")

    def half() -> None:
        with Workspace(tmp_path).replacing(first, second) as (new, _):
            new.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert {path: path.read_text() for path in tmp_path.iterdir()} == {first: "old", second: "old"}
    with Workspace(tmp_path).replacing(first, second) as (new, _):
        new.write_text("new")
    assert {path: path.read_text() for path in tmp_path.iterdir()} == {first: "new"}


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"{UNFINISHED}file").write_text("")
    (tmp_path / f"{UNFINISHED}folder" / "inside").mkdir(parents=True)
    (tmp_path / "kept").write_text("")
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_digest_does_not_depend_on_the_order_of_keys(tmp_path: Path) -> None:
    assert json_digest({"a": 1, "b": [2]}) == json_digest({"b": [2], "a": 1})
    assert json_digest({"a": 1}) != json_digest({"a": 1.5})
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256(tmp_path / "f").startswith("ba7816bf")


def test_a_copy_is_of_the_content_that_was_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"looked at")
    looked_at = sha256(path)
    assert copied(path, tmp_path / "b", "fix", looked_at).read_bytes() == b"looked at"
    path.write_bytes(b"swapped")
    with pytest.raises(BadInputError, match="has been changed since this run began"):
        copied(path, tmp_path / "c", "fix", looked_at)
