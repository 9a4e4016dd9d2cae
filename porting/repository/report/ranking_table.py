"""The variants of one task on one target, and their table with every figure that is known of any of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from porting.repository.figures import every_metric, metric, why_unknown
from porting.repository.report.section import COLOURS
from porting.repository.report.words import display, load_in_words, place_in_words, verdict_in_words
from porting.repository.schema import Figure, Index, Published, Standing, Summary

Member = tuple[Summary, Standing]
# The colour of each precision.
PRECISIONS = {"fp32": COLOURS[0], "int8": COLOURS[1], "fp16": COLOURS[2]}


def tasks_and_targets(index: Index) -> list[tuple[str, str]]:
    """Every pair of task and target that has a variant."""
    variants = (*index.variants, *index.dropped)
    return sorted({(variant.task, target) for variant in variants for target in variant.targets})


def members(index: Index, task: str, target: str) -> list[Member]:
    """The variants of a task that were measured on a target, published or dropped, the best test accuracy first.

    Where the test accuracy is unknown, the validation accuracy takes its place.
    """
    found = [v for v in (*index.variants, *index.dropped) if v.task == task and target in v.targets]
    reported = {v.name: v.test_accuracy or v.validation_accuracy for v in found}
    found.sort(key=lambda v: one.value if (one := reported[v.name]) else -1.0, reverse=True)
    return [(variant, variant.targets[target]) for variant in found]


@dataclass(frozen=True)
class Column:
    """A column that a reader can sort by; `better` is the direction in which the best value comes first."""

    title: str
    meaning: str
    better: str = ""
    is_sorted: bool = False


@dataclass(frozen=True)
class Cell:
    """A figure, its interval as small text, the number for sorting, and the reason where it is unknown."""

    text: str
    small: str = ""
    value: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """A variant; only a published one has further sections on the page."""

    name: str
    published: bool
    on_frontier: bool
    place: str
    cells: list[Cell]


@dataclass(frozen=True)
class RankingTable:
    """A table; `absent` names each metric that no variant has, with the reason of the first variant."""

    columns: list[Column]
    rows: list[Row]
    absent: list[str]


def ranking_table(members: Sequence[Member]) -> RankingTable:
    """The table of the members, in the same order."""
    names = every_metric({name for _, standing in members for name in standing.figures})
    known = [name for name in names if any(name in standing.figures for _, standing in members)]
    absent = [name for name in names if name not in known and members]
    columns = [Column(display(name).title, f"{name}: {metric(name).meaning}", metric(name).better) for name in known]
    return RankingTable(
        columns=[TEST, *columns, *EXTRA],
        rows=[row(variant, standing, known) for variant, standing in members],
        absent=[f"{display(name).label}: {why_unknown(members[0][1], name)}" for name in absent],
    )


TEST = Column("top-1 accuracy on the test split, %", "no choice uses it", "higher", is_sorted=True)
EXTRA = (
    Column(
        "batch × callers, others",
        "the load of the closed loop for the maximal throughput, and the use of the cores by other processes meanwhile",
    ),
    Column("verdict", "whether the maximal throughput settled"),
    Column("level", "how much was measured"),
)


def row(variant: Summary, standing: Standing, known: Sequence[str]) -> Row:
    """The row of one variant."""
    test = variant.test_accuracy
    marks = {name: verdict_in_words(standing.figures, name, standing.verdict) for name in known}
    test_figure = (test.value, test.low, test.high) if test else None
    cells = [
        cell(test_figure, "accuracy", variant.reasons.get("test_accuracy", "")),
        *(cell(standing.figures.get(name), name, why_unknown(standing, name), marks[name]) for name in known),
        Cell(load_in_words(standing), value=standing.batch * standing.concurrency),
        Cell(standing.verdict, reason=standing.verdict_reason),
        Cell(standing.level),
    ]
    place = place_in_words(variant, standing)
    return Row(variant.name, isinstance(variant, Published), standing.on_frontier, place, cells)


def cell(figure: Figure | None, metric: str, reason: str, mark: str = "") -> Cell:
    """The cell of a figure in the unit of a metric with the `mark` of its verdict, or the reason why it is unknown."""
    if figure is None:
        return Cell("unknown", reason=reason)
    shown = display(metric)
    return Cell(shown.value(figure[0]), f"{shown.interval(figure)} {mark}".strip(), figure[0])
