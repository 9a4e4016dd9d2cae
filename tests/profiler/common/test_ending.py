"""Whatever reaches the end of a command is one line of ours, and the last resort names a report."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import environment

from profiler.common.ending import explained
from profiler.common.errors import ServerError

COMMAND = """
import sys
from profiler.common.ending import explained, guarded
from profiler.common.signals import Interruption

def work():
{work}

sys.exit(guarded("test", Interruption(""), work, explained))
"""


def ended(work: str, **more: str) -> "subprocess.CompletedProcess[str]":
    code = COMMAND.format(work="\n".join(f"    {line}" for line in work.splitlines()))
    return subprocess.run(
        [sys.executable, "-c", code], env={**environment(), **more}, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("work", ["{}['a']", "def again(): again()\nagain()", "import profiler.nowhere", "1/0"])
def test_what_nobody_foresaw_is_one_line_that_names_a_private_report(tmp_path: Path, work: str) -> None:
    done = ended(work, TMPDIR=str(tmp_path))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    found = re.fullmatch(r"test: an unexpected error \(.*\); complete results stay, and a report is in (.*)", line)
    assert found, line
    report = Path(found[1])
    assert report.parent == tmp_path
    assert report.stat().st_mode & 0o777 == 0o600
    content = report.read_text()
    assert "Traceback" in content
    assert "numpy " in content
    assert "command: " in content


THREAD = """
import threading
from profiler.common.ending import lines_only
lines_only("test")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
"""


def test_an_error_in_a_thread_is_one_line(tmp_path: Path) -> None:
    (line,) = ended(THREAD, TMPDIR=str(tmp_path)).stderr.splitlines()
    assert line.startswith("test: an unexpected error (ZeroDivisionError: division by zero)")


def test_what_a_terminal_would_obey_is_not_printed(tmp_path: Path) -> None:
    done = ended("raise ValueError('a\\x1b[2Jb\\u202ec')", TMPDIR=str(tmp_path))
    assert "(ValueError: a?[2Jb?c)" in done.stderr


def test_without_a_place_for_a_report_it_is_one_line_still() -> None:
    done = ended("import tempfile\ntempfile.tempdir = '/nowhere'\n1/0")
    assert done.stderr.splitlines() == [
        "test: an unexpected error (ZeroDivisionError: division by zero); complete results stay, "
        "and no report could be written"
    ]


def test_a_trace_is_there_for_who_asks() -> None:
    assert "Traceback" in ended("1/0", HYDRA_FULL_ERROR="1").stderr


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ServerError("it died"), "it died"),
        (
            ServerError("no connection (Cannot assign requested address)"),
            "no connection (Cannot assign requested address): wait",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk: No space left on device: free some space"),
        (OSError(errno.EADDRINUSE, "Address already in use"), "the system refuses it: Address already in use: wait"),
        (OSError(errno.EINVAL, "Invalid argument"), "the system refuses it: Invalid argument; complete"),
        (PermissionError(errno.EACCES, "Permission denied", "/a"), "/a: Permission denied: give this user the right"),
        (MemoryError(), "there is not enough memory for this"),
    ],
)
def test_an_error_of_the_system_names_what_and_the_fix(error: Exception, says: str) -> None:
    assert explained(error)[0].startswith(says)


def test_a_failed_copy_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").symlink_to("nowhere")
    with pytest.raises(shutil.Error) as caught:
        shutil.copytree(tmp_path / "a", tmp_path / "c")
    line, code = explained(caught.value)
    assert line.startswith(f"{tmp_path / 'a' / 'b'} cannot be copied (")
    assert "[(" not in line
    assert code == 1


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    code = COMMAND.format(work="    while True: print('line' * 1000)")
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), stdout=writer, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(writer)
        os.read(reader, 10)
        os.close(reader)
        _, errors = process.communicate(timeout=60)
    assert errors == ""
    assert process.returncode == 141


def test_a_warning_of_a_library_is_not_shown() -> None:
    code = (
        "from profiler.common import ending; ending.lines_only('it'); import warnings; warnings.warn('for developers')"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
