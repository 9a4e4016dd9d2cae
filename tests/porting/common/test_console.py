"""Progress: what, how far, how long still; a job's bar stands below its stage's and goes when it is full."""

import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from support import environment

from porting.common import console


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What a person would see on a terminal."""
    screen = StringIO()
    monkeypatch.setattr(console, "console", Console(file=screen, force_terminal=True, width=160))
    return screen


def test_a_stage_shows_how_far_it_is_and_the_time_left(terminal: StringIO) -> None:
    with console.progress("finetune", 4) as advance:
        for _ in range(3):
            advance("a variant")
        (task,) = console._shown[-1].tasks
        assert (task.completed, task.total, task.fields["note"]) == (3, 4, "a variant")
    assert "finetune" in terminal.getvalue()
    assert "3/4" in terminal.getvalue()
    assert "0:00:" in terminal.getvalue() or "-:--:--" in terminal.getvalue()


def test_a_job_s_bar_stands_below_its_stage_s_and_goes_when_it_is_full(terminal: StringIO) -> None:
    with console.progress("profile", 2):
        with console.progress("one variant", 2) as advance:
            advance("")
            assert [task.description for task in console._shown[-1].tasks] == ["profile", "one variant"]
            advance("")
        assert [task.description for task in console._shown[-1].tasks] == ["profile"]
    assert not console._shown


def test_texts_of_others_are_no_markup_and_no_control_characters(terminal: StringIO) -> None:
    hostile = "[/x] [link=file:///etc/passwd]a[/link] [bold]b[/bold] :cat: \x1b[2J"
    console.table(hostile, [hostile, "two"], [[hostile, "[red]"]])
    console.say(hostile)
    with console.progress(hostile, 2) as advance:
        advance(hostile)
    shown = terminal.getvalue()
    assert shown.count("[link=file:///etc/passwd]a[/link]") >= 3
    assert ":cat:" in shown
    assert "\x1b[2J" not in shown
    assert "\x1b]8;" not in shown


def printing(lines: int) -> list[str]:
    """A command that says so many lines, guarded as every command is."""
    code = f"""
import sys
from porting.common.console import say
from profiler.common.ending import explained, guarded
from profiler.common.signals import Interruption
sys.exit(guarded("it", Interruption(""), lambda: [say(f"line {{n}}") for n in range({lines})], explained))
"""
    return [sys.executable, "-c", code]


def test_a_reader_that_goes_away_ends_the_program_quietly() -> None:
    command = shlex.join(printing(100_000))
    script = f"{command} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], env=environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (141, "line 0\n", "")


HOLDING = """
import os, sys
from profiler.common.signals import reopen_standard_streams
reopen_standard_streams()
open(sys.argv[1], "w")
os.write(1, b"x")
print("y", flush=True)
"""


def test_no_file_takes_the_place_of_a_closed_standard_output(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-W", "ignore", "-c", HOLDING, str(tmp_path / "f")])
    done = subprocess.run(["bash", "-c", f"{command} >&-"], env=environment(), capture_output=True, timeout=60)
    assert (done.returncode, (tmp_path / "f").read_text()) == (0, "")


def test_a_closed_standard_output_is_no_error() -> None:
    command = shlex.join(printing(3))
    done = subprocess.run(
        ["bash", "-c", f"{command} >&-"], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
