"""What a person sees: progress with the time left, and one table at the end."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

Advance = Callable[[str], None]

# Into a file or a pipe nothing is folded: a variant's name must stay one word.
PIPE_WIDTH = 240


class Screen(Console):
    """Raises `BrokenPipeError` where nobody reads any more, as in `dnn-porting … | head -1`."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        raise BrokenPipeError


# The bars on the screen: a stage's own, to which its jobs add theirs.
_shown: list[Progress] = []
# Started with a closed standard output, a program has none.
console = Screen(highlight=False, emoji=False, width=None if sys.stdout and sys.stdout.isatty() else PIPE_WIDTH)


@contextmanager
def progress(title: str, total: int) -> Iterator[Advance]:
    """A bar for `total` steps; call the result with a note after each one. Off a terminal it says nothing."""
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
    """One line among the bars; it goes when it is full, unless it is the first."""
    task = bars.add_task(shown(title), total=total, note="")

    def advance(note: str = "") -> None:
        bars.update(task, advance=1, note=shown(note))
        if len(bars.tasks) > 1 and bars.tasks[-1].id == task and bars.tasks[-1].finished:
            bars.remove_task(task)

    return advance


def say(text: str) -> None:
    """One line, or several."""
    console.print(plain(text), soft_wrap=True)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table; columns after the first are aligned to the right."""
    grid = Table(title=plain(title), title_justify="left")
    for index, column in enumerate(columns):
        middle = 0 < index < len(columns) - 1
        grid.add_column(plain(column), justify="right" if middle else "left", no_wrap=index == 0, overflow="fold")
    for row in rows:
        grid.add_row(*map(plain, row))
    console.print(grid)


def plain(text: str) -> Text:
    """The text as it is: neither markup nor a control character of somebody else's does anything."""
    return Text(shown(text))


def shown(text: str) -> str:
    """Without control characters but the ends of lines."""
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)
