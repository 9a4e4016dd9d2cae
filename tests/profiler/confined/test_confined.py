"""A confined process can read its libraries and compute, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import environment

from profiler.common.errors import ModelError, UnavailableError
from profiler.confined.landlock import version
from profiler.confined.limits import Limits
from profiler.confined.parent import judged
from profiler.confined.protocol import TRUST, Finding, Task

CONFINE = "from profiler.confined import child\n{before}\nchild.confine()\n"
FAILS = """
try:
    {attempt}
except (OSError, ValueError) as error:
    print("refused", getattr(error, "errno", None))
else:
    print("done")
"""
WITHOUT_LANDLOCK = "child.allow_reading_only = lambda places: False"


def confined(code: str, before: str = "", *arguments: str) -> str:
    """What the code prints in a process that was confined first."""
    command = [sys.executable, "-c", CONFINE.format(before=before) + code, *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
    return f"{done.stdout}{done.stderr}".strip()


ATTEMPTS = {
    "write": "import sys; open(sys.argv[1], 'w')",
    "append": "import sys; open(sys.argv[1], 'a')",
    "read and write": "import sys; open(sys.argv[2], 'r+')",
    "truncate": "import os, sys; os.truncate(sys.argv[2], 0)",
    "remove": "import os, sys; os.unlink(sys.argv[2])",
    "rename": "import os, sys; os.rename(sys.argv[2], sys.argv[1])",
    "link": "import os, sys; os.link(sys.argv[2], sys.argv[1])",
    "symbolic link": "import os, sys; os.symlink(sys.argv[2], sys.argv[1])",
    "folder": "import os, sys; os.mkdir(sys.argv[1])",
    "mode": "import os, sys; os.chmod(sys.argv[2], 0o777)",
    "times": "import os, sys; os.utime(sys.argv[2])",
    "attribute": "import os, sys; os.setxattr(sys.argv[2], 'user.a', b'b')",
    "fifo": "import os, sys; os.mkfifo(sys.argv[1])",
    "connection": "import socket; socket.socket()",
    "local connection": "import socket; socket.socket(socket.AF_UNIX)",
    "datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "signal": "import os; os.kill(os.getppid(), 0)",
    "process": "import os; os.fork()",
    "program": "import os; os.execv('/bin/true', ['true'])",
    "memory in a file": "import os; os.memfd_create('a')",
    "limit": "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
    "another's limit": "import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))",
}


@pytest.mark.parametrize("kernel", ["as it is", "without Landlock"])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_nothing_outside_is_touched(tmp_path: Path, attempt: str, kernel: str) -> None:
    there = tmp_path / "there"
    there.write_text("content")
    before = there.stat()
    said = confined(
        FAILS.format(attempt=ATTEMPTS[attempt]),
        WITHOUT_LANDLOCK if kernel == "without Landlock" else "",
        str(tmp_path / "new"),
        str(there),
    )
    assert said.startswith("refused"), said
    assert list(tmp_path.iterdir()) == [there]
    assert there.read_text() == "content"
    assert (there.stat().st_mode, there.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


@pytest.mark.skipif(version() == 0, reason="this kernel has no Landlock")
def test_other_files_cannot_be_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    assert confined(FAILS.format(attempt="import sys; open(sys.argv[1])"), "", str(secret)) == "refused 13"


def test_threads_and_libraries_work() -> None:
    code = (
        "import threading, numpy\n"
        "thread = threading.Thread(target=lambda: print(numpy.ones(3).sum()))\n"
        "thread.start(); thread.join()"
    )
    assert confined(code) == "3.0"


@pytest.mark.parametrize("name", ["x86_64", "aarch64"])
def test_the_filter_is_a_whole_program_for_each_kind_of_machine(name: str) -> None:
    from profiler.confined.seccomp import EQUAL, RETURN, machine_of, program

    machine = machine_of(name)
    assert machine is not None
    instructions = program(machine, 1)
    assert len(instructions) < 4096
    for place, (code, yes, no, _) in enumerate(instructions):
        assert code == RETURN or place + 1 + max(yes, no) < len(instructions)
    tested = {value for code, _, _, value in instructions if code == EQUAL}
    assert {machine.numbers["socket"], machine.numbers["openat"]} <= tested


JUDGES = """
import os, signal
from profiler.confined.protocol import Finding

def busy(content):
    while True:
        pass

def waiting(content):
    signal.pause()

def greedy(content):
    return Finding(content=bytes(4 << 30))

def crashing(content):
    os.kill(os.getpid(), signal.SIGSEGV)

def lying(content):
    print('{"facts": {}, "bytes": 0, "refusal": ""}', flush=True)
    raise ValueError("hostile\\nwords")

def stepping(content):
    from profiler.confined.protocol import Step
    from profiler.confined.protocol import next_step

    while True:
        next_step(Step(1, 1e300, 1 << 62))
        if content == b"greedy":
            bytes(1 << 30)

def echo(content):
    return Finding({"length": len(content)}, content * 2)
"""

LIMITS = Limits(1.0, 64 << 20, further_s=9.0, further_bytes=32 << 20)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules, with functions that a confined process is asked to call."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "judges.py").write_text(JUDGES)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def judge(function: str, path: Path) -> Finding:
    path.write_bytes(b"abc")
    return judged(path, Task(f"judges.{function}"), LIMITS, "fix")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("busy", "s of processor time"),
        ("waiting", "s of processor time"),
        ("greedy", "more than 64 MiB of memory"),
        ("crashing", r"crashes the process that tries it \(code -11\)"),
        ("lying", r"it cannot be used \(hostile words\)"),
    ],
)
def test_whatever_a_file_makes_of_the_process_is_one_line(
    tmp_path: Path, packages: Path, function: str, says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        judge(function, tmp_path / "file")


def test_steps_that_ask_for_ever_come_to_an_end(tmp_path: Path, packages: Path) -> None:
    with pytest.raises(ModelError, match=r"does not answer an input within 9 s of processor time"):
        judge("stepping", tmp_path / "file")


def test_a_step_has_no_more_memory_than_there_is(tmp_path: Path, packages: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"greedy")
    with pytest.raises(ModelError, match=r"takes more than 96 MiB of memory to answer an input"):
        judged(path, Task("judges.stepping"), LIMITS, "fix")


def test_facts_and_bytes_come_back(tmp_path: Path, packages: Path) -> None:
    assert judge("echo", tmp_path / "file") == Finding({"length": 3}, b"abcabc")


def test_a_system_that_confines_nothing_refuses_unless_the_file_is_trusted(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The confined process takes this machine for one whose system calls are not known.
    (packages / "sitecustomize.py").write_text("import platform\nplatform.machine = lambda: 'vax'\n")
    with pytest.raises(UnavailableError, match=f"this kind of machine are not known.*{TRUST}=1"):
        judge("echo", tmp_path / "file")
    monkeypatch.setenv(TRUST, "1")
    assert judge("echo", tmp_path / "file").content == b"abcabc"
