"""The tables below the picture of live runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrators.live.outcome import Delivered, Part, outcome
from orchestrators.live.run import Run
from orchestrators.simulation.result import number, percent

# The most reasons of failed requests in a table.
REASONS = 20


@dataclass(frozen=True)
class Table:
    """A table with its rows as text; the first `names` columns are words, the others numbers."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    names: int


def tables(runs: Sequence[Run]) -> list[Table]:
    """The tables of figures, of switches, and of reasons for lost requests and wrong answers."""
    return [delivered_table(runs), switch_table(runs), reason_table(runs)]


def delivered_table(runs: Sequence[Run]) -> Table:
    """The figures of whole runs, outside stalls, and during switches."""
    columns = [
        "run", "requests", "task", "sent", "late, lost or wrong, %", "lost", "wrong", "accuracy", "normalised, %",
        "p50, ms", "p99, ms", "CPU, %",
    ]  # fmt: skip
    rows = []
    for run in runs:
        found = outcome(run)
        parts = {"all": found.whole, "outside stalls": found.outside_stalls, "during switches": found.during_switches}
        for which, part in parts.items():
            rows += [[run.name, which, *row] for row in part_rows(part) if part.all_tasks.sent]
    return Table("What was delivered", columns, rows, names=3)


def part_rows(part: Part) -> list[list[str]]:
    """The rows of all tasks together, and of each task where there are several."""
    tasks = part.tasks if len(part.tasks) > 1 else {}
    cpu = percent(part.cpu_share, 1)
    return [["all" if tasks else next(iter(part.tasks), "none"), *cells(part.all_tasks), cpu]] + [
        [task, *cells(one), ""] for task, one in sorted(tasks.items())
    ]


def cells(one: Delivered) -> list[str]:
    """The figures of a task as text."""
    return [
        str(one.sent), percent(one.late_share, 3), str(one.lost), str(one.wrong), number(one.accuracy, ".4f"),
        percent(one.normalised_accuracy, 1), number(one.p50_ms, ".1f"), number(one.p99_ms, ".1f"),
    ]  # fmt: skip


def switch_table(runs: Sequence[Run]) -> Table:
    """Every replacement, failed ones too, its time in s from the start of the traffic."""
    columns = ["run", "server", "task", "from", "to", "failed because", "at, s", "took, s"]
    rows = []
    for run in runs:
        for one in run.switches:
            words = [run.name, one.server, one.task, one.before or "", one.after, one.error or ""]
            rows.append([*words, f"{one.began_s - run.traffic.start_s:.1f}", f"{one.ended_s - one.began_s:.2f}"])
    return Table("Switches", columns, rows, names=6)


def reason_table(runs: Sequence[Run]) -> Table:
    """The reasons for lost requests and wrong answers, the most frequent first."""
    found: Counter[tuple[str, str, str]] = Counter(
        (run.name, task, why) for run in runs for task, one in run.traffic.tasks.items() for why in one.why.values()
    )
    rows = [[*key, str(count)] for key, count in found.most_common(REASONS)]
    return Table("Lost or wrong because", ["run", "task", "reason", "requests"], rows, names=3)
