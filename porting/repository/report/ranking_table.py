"""The table of one task on one target: every variant with every figure that one of them has."""

from collections.abc import Sequence
from dataclasses import dataclass

from porting.repository.figures import METRICS, why_unknown
from porting.repository.report.members import Member
from porting.repository.report.words import Display, display, place_in_words
from porting.repository.schema import Published, Standing, Summary


@dataclass(frozen=True)
class Column:
    """A column that a person may sort by; `better` is the direction in which its best comes first."""

    title: str
    meaning: str
    better: str = ""
    is_sorted: bool = False


@dataclass(frozen=True)
class Cell:
    """A figure, its interval below it, the number that it is sorted by, and why it is unknown."""

    text: str
    small: str = ""
    value: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """A variant; only a published one has a fold that can be opened."""

    name: str
    published: bool
    on_frontier: bool
    place: str
    cells: list[Cell]


@dataclass(frozen=True)
class RankingTable:
    """`absent` says of every metric that no variant has why the first of them lacks it."""

    columns: list[Column]
    rows: list[Row]
    absent: list[str]


def ranking_table(members: Sequence[Member]) -> RankingTable:
    """The table of the members, in their order."""
    known = [name for name in METRICS if any(name in standing.figures for _, standing in members)]
    absent = [name for name in METRICS if name not in known and members]
    return RankingTable(
        columns=[*(column(name) for name in known), *EXTRA],
        rows=[row(variant, standing, known) for variant, standing in members],
        absent=[f"{display(name).label}: {why_unknown(members[0][1], name)}" for name in absent],
    )


EXTRA = (
    Column("top-1 accuracy on the test split, %", "not used for choosing", "higher"),
    Column("raw throughput, images/s", "maximal throughput before the machine's drift is divided out", "higher"),
    Column("batch × callers", "the closed loop that was offered for the maximal throughput"),
    Column("verdict", "whether the maximal throughput settled"),
    Column("level", "how much was measured"),
)


def column(name: str) -> Column:
    """The column of one metric."""
    return Column(display(name).title, f"{name}: {METRICS[name].meaning}", METRICS[name].better, name == "accuracy")


def row(variant: Summary, standing: Standing, known: Sequence[str]) -> Row:
    """The row of one variant."""
    cells = [cell(standing, name, display(name)) for name in known]
    cells += [
        on_test(variant),
        Cell(f"{standing.batch} × {standing.concurrency}", value=standing.batch * standing.concurrency),
        Cell(standing.verdict, reason=standing.verdict_reason),
        Cell(standing.level),
    ]
    published = isinstance(variant, Published)
    return Row(variant.name, published, standing.on_frontier, place_in_words(variant, standing), cells)


def cell(standing: Standing, name: str, shown: Display) -> Cell:
    """The cell of one metric, or why it is unknown."""
    if name not in standing.figures:
        return Cell("unknown", reason=why_unknown(standing, name))
    figure = standing.figures[name]
    return Cell(shown.value(figure[0]), shown.interval(figure), figure[0])


def on_test(variant: Summary) -> Cell:
    """The cell of the accuracy on the test split."""
    found, shown = variant.test_accuracy, display("accuracy")
    if found is None:
        return Cell("unknown", reason=variant.reasons["test_accuracy"])
    return Cell(shown.value(found.value), shown.interval((found.value, found.low, found.high)), found.value)
