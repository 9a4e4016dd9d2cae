"""What a person sees: progress with the time left, and one table at the end."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

Advance = Callable[[str], None]

# Into a file or a pipe nothing is folded: a variant's name must stay one word.
PIPE_WIDTH = 240

# The bars on the screen: a stage's own, to which its jobs add theirs.
_shown: list[Progress] = []
console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


@contextmanager
def progress(title: str, total: int) -> Iterator[Advance]:
    """A bar for `total` steps; call the result with a note after each one. Off a terminal it says nothing."""
    if _shown:
        yield bar(_shown[-1], title, total)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        _shown.append(bars)
        try:
            yield bar(bars, title, total)
        finally:
            _shown.pop()


def bar(bars: Progress, title: str, total: int) -> Advance:
    """One line among the bars; it goes when it is full, unless it is the first."""
    task = bars.add_task(title, total=total, note="")

    def advance(note: str = "") -> None:
        bars.update(task, advance=1, note=note)
        if len(bars.tasks) > 1 and bars.tasks[-1].id == task and bars.tasks[-1].finished:
            bars.remove_task(task)

    return advance


def say(text: str) -> None:
    """One line."""
    console.print(text, markup=False, soft_wrap=True)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table; columns after the first are aligned to the right."""
    grid = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        middle = 0 < index < len(columns) - 1
        grid.add_column(column, justify="right" if middle else "left", no_wrap=index == 0, overflow="fold")
    for row in rows:
        grid.add_row(*row)
    console.print(grid)
