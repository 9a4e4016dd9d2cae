"""The output on the terminal: progress bars, lines and tables, and the silence of noisy libraries."""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

Advance = Callable[[str], None]

# Lines to a file or a pipe are not wrapped, as the name of a variant must stay one word.
PIPE_WIDTH = 240


class Screen(Console):
    """A console that raises `BrokenPipeError` for a closed pipe, as in `dnn-porting … | head -1`."""

    def on_broken_pipe(self) -> None:
        """Raises `BrokenPipeError`, where rich would exit."""
        self.quiet = True
        raise BrokenPipeError


# The bars on the screen: that of the stage, to which its jobs add others.
_shown: list[Progress] = []
# `sys.stdout` is None in a process that was started with a closed standard output.
console = Screen(highlight=False, emoji=False, width=None if sys.stdout and sys.stdout.isatty() else PIPE_WIDTH)


@contextmanager
def progress(title: str, total: int) -> Iterator[Advance]:
    """A bar for `total` steps, hidden without a terminal; each call of the result adds a step, with a note."""
    if _shown:
        yield bar(_shown[-1], title, total)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        _shown.append(bars)
        try:
            yield bar(bars, title, total)
        finally:
            _shown.pop()


def bar(bars: Progress, title: str, total: int) -> Advance:
    """Adds a bar; a full bar disappears, unless it is the first."""
    task = bars.add_task(shown(title), total=total, note="")

    def advance(note: str = "") -> None:
        bars.update(task, advance=1, note=shown(note))
        if len(bars.tasks) > 1 and bars.tasks[-1].id == task and bars.tasks[-1].finished:
            bars.remove_task(task)

    return advance


def say(text: str) -> None:
    """Prints one or more lines."""
    console.print(plain(text), soft_wrap=True)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Prints a table; the first and the last column are aligned to the left."""
    grid = Table(title=plain(title), title_justify="left")
    for index, column in enumerate(columns):
        middle = 0 < index < len(columns) - 1
        grid.add_column(plain(column), justify="right" if middle else "left", no_wrap=index == 0, overflow="fold")
    for row in rows:
        grid.add_row(*map(plain, row))
    console.print(grid)


def plain(text: str) -> Text:
    """The text without effect of markup and control characters, which may come from foreign files."""
    return Text(shown(text))


def shown(text: str) -> str:
    """The text with control characters escaped, except line ends."""
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)


@contextmanager
def silenced(level: int) -> Iterator[None]:
    """Hides the prints, the warnings, and the logs up to `level` of a library, and undoes its changes to the logger."""
    root = logging.getLogger()
    before, handlers = root.level, list(root.handlers)
    logging.disable(level)
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        root.setLevel(before)
        root.handlers[:] = handlers
