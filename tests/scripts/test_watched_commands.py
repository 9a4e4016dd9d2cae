"""What the scripts of damage and hostile inputs see of a command: each kind of misbehaviour is told."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from many_cases import Outcome, run_all, sampled
from watched_commands import Command, watch
from watched_places import made_case
from watched_processes import held_bytes

Case = tuple[str, bool, float, int]


def seen(folder: Path, statement: str, reads_all: bool = True, limit_s: float = 30, more_bytes: int = 1 << 30) -> Any:
    """A Python statement, watched in a process of its own as every case is.

    What this process holds counts as the command's, which is forked from it: the limit is `more_bytes` above that.
    """
    limit_bytes = held_bytes(os.getpid()) + more_bytes

    def run(case: Case, place: Path) -> Outcome:
        made_case(place)
        command = Command(["-n", "1", "-r", "1", case[0]], module="timeit", reads_all=case[1])
        return {"faults": [], **asdict(watch(place, command, case[2], case[3]))}

    outcome = run_all({"case": (statement, reads_all, limit_s, limit_bytes)}, run, folder)["case"]
    assert not outcome["faults"], outcome.get("why")
    return outcome


def test_a_command_that_behaves_leaves_nothing(tmp_path: Path) -> None:
    found = seen(tmp_path, "print('said')")
    assert found["code"] == 0
    assert "said" in found["out"]
    assert (found["leftovers"], found["touched"], found["asked"], found["ended_by"]) == ([], [], [], "")


def test_a_process_that_outlives_it_is_told_and_ended(tmp_path: Path) -> None:
    statement = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
    assert seen(tmp_path, statement)["leftovers"] == ["process sleep"]


def test_a_temporary_file_that_stays_is_told(tmp_path: Path) -> None:
    (left,) = seen(tmp_path, "import tempfile; tempfile.mkdtemp(prefix='stays-')")["leftovers"]
    assert "stays-" in left


def test_what_is_written_elsewhere_is_told(tmp_path: Path) -> None:
    found = seen(tmp_path, "open('../precious/file', 'w'); open('../home/new', 'w'); open('mine', 'w')")
    assert found["touched"] == ["home/new", "precious/file"]


def test_a_name_that_is_asked_for_is_told(tmp_path: Path) -> None:
    found = seen(tmp_path, "import socket; socket.gethostbyname('somewhere.example')")
    if not found["asked"] and Path("/proc/self/ns/net").readlink() == Path("/proc/1/ns/net").readlink():
        pytest.skip("the kernel gives no namespaces here")
    assert found["asked"][0] == "somewhere.example"


def test_too_much_memory_ends_it(tmp_path: Path) -> None:
    statement = "import time; x = b'x' * (600 << 20); time.sleep(20)"
    assert seen(tmp_path, statement, more_bytes=300 << 20)["ended_by"].startswith("memory")


def test_too_much_time_ends_it_and_whether_ctrl_c_does_is_told(tmp_path: Path) -> None:
    busy = "while True: pass"
    deaf = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{busy}"
    assert seen(tmp_path / "a", busy, limit_s=1)["ended_by"] == "time"
    assert seen(tmp_path / "b", deaf, limit_s=1)["ended_by"] == "time, and Ctrl-C does nothing"


@pytest.mark.parametrize(("reads_all", "code"), [(True, 0), (False, 1)])
def test_modes_count_where_they_are_to(tmp_path: Path, reads_all: bool, code: int) -> None:
    statement = "import os; os.close(os.open('x', os.O_CREAT | os.O_WRONLY, 0)); open('x')"
    if os.geteuid() and reads_all:
        pytest.skip("only root reads what has mode 0")
    assert seen(tmp_path, statement, reads_all)["code"] == code


def test_a_finished_case_is_not_run_again(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    def run(case: str, _: Path) -> Outcome:
        with ran.open("a") as file:
            file.write(case)
        return {"faults": [], "verdict": case}

    for cases in ({"a": "A"}, {"a": "A", "b": "B"}):
        assert {name: one["verdict"] for name, one in run_all(cases, run, tmp_path).items()} == cases
    assert ran.read_text() == "AB"


def test_a_sample_is_the_same_each_time_and_of_all_kinds() -> None:
    cases = {f"{kind}{number}": kind for kind in "abc" for number in range(50)}
    sample = sampled(cases, 9, str)
    assert sample == sampled(cases, 9, str)
    assert sorted(sample.values()) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
