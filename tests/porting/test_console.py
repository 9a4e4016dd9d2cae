"""Progress: what, how far, how long still; a job's bar stands below its stage's and goes when it is full."""

from io import StringIO

import pytest
from rich.console import Console

from porting import console


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
            advance()
            assert [task.description for task in console._shown[-1].tasks] == ["profile", "one variant"]
            advance()
        assert [task.description for task in console._shown[-1].tasks] == ["profile"]
    assert not console._shown
