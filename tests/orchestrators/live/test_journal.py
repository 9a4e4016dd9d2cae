"""The journal of a live run."""

import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestrators.live.journal import Journal, Second, Switched, read_journal
from profiler.common.errors import BadInputError

SECOND = Second(
    moment_s=1.7e9, server="here:1", cpu_share=0.5, demand_rps={"digits": 3.5}, versions={"digits": "small"},
    rule="hold", reason="no better allocation fits",
)  # fmt: skip
SWITCHED = Switched(server="here:1", task="digits", before="small", after="large", began_s=1.7e9, ended_s=1.7e9 + 0.2)
FAILED = SWITCHED.model_copy(update={"before": None, "error": "the server does not load digits"})


def test_what_was_added_is_read_back_in_its_order(tmp_path: Path) -> None:
    with Journal(tmp_path / "runs" / "journal.jsonl") as journal:
        for record in (SECOND, SWITCHED, SECOND, FAILED):
            journal.add(record)
    assert read_journal(tmp_path / "runs" / "journal.jsonl") == ([SECOND, SECOND], [SWITCHED, FAILED])


def test_a_record_can_be_read_as_soon_as_it_is_added(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.add(SECOND)
        assert read_journal(tmp_path / "journal.jsonl") == ([SECOND], [])


def test_a_line_that_a_killed_writer_left_unfinished_is_left_out_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(SECOND.model_dump_json() + "\n" + SWITCHED.model_dump_json()[:20])
    assert read_journal(path) == ([SECOND], [])
    with Journal(path) as journal:
        journal.add(FAILED)
    assert read_journal(path) == ([SECOND], [FAILED])


def test_lines_of_several_threads_stay_whole(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal, ThreadPoolExecutor(4) as pool:
        list(pool.map(journal.add, [SECOND, SWITCHED] * 200))
    seconds, switches = read_journal(tmp_path / "journal.jsonl")
    assert (len(seconds), len(switches)) == (200, 200)


def test_what_a_full_disk_does_not_take_is_lost_whole_and_told_until_there_is_room(tmp_path: Path) -> None:
    path, limits = tmp_path / "journal.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        journal.add(SECOND)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
        try:
            journal.add(SECOND)
            journal.add(SECOND)
            assert "journal.jsonl cannot be written: " in journal.trouble
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        journal.add(SWITCHED)
        assert journal.trouble == ""
    assert read_journal(path) == ([SECOND], [SWITCHED])


def test_a_line_that_is_no_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(SECOND.model_dump_json() + '\n{"moment_s": 1}\n')
    with pytest.raises(BadInputError, match=r"line 2 of .*journal\.jsonl is no second and no switch"):
        read_journal(path)
    with pytest.raises(BadInputError, match="does not exist"):
        read_journal(tmp_path / "nowhere")


def test_a_cpu_share_lies_between_0_and_1() -> None:
    with pytest.raises(ValidationError):
        Second.model_validate({**SECOND.model_dump(), "cpu_share": 1.2})
