"""The cost of a choice by a figure that is cheaper to measure than throughput (thesis, figures 5.7 d and e)."""

from collections.abc import Sequence
from dataclasses import dataclass

from porting.repository.hypervolume import Pair, cost_of_trust, hypervolume, knee, staircase, worst
from porting.repository.report.ranking_table import Member
from porting.repository.report.section import COLOURS, Axis, Drawing, Mark, Panel, Section, Series, Table
from porting.repository.report.words import known, number, share
from porting.repository.schema import Standing
from porting.repository.standing import RANKED_BY, Candidate, data, placed
from profiler.analysis.comparison import Figures, throughput_correlations

ACCURACY, THROUGHPUT = RANKED_BY
X, Y, HIGH_PX = Axis("maximal throughput, images/s", "decades"), Axis("validation accuracy", percent=True), 210
TRUSTED = {"flops": "FLOPs", "p50_ms": "latency"}
COLUMNS = ("chosen by", "chosen", "on the true frontier", "knee", "hypervolume", "its reference", "lost", "slowdown")
FEWEST = 2


@dataclass(frozen=True)
class Choice:
    """The variants with a known metric, and the places of those on the frontier of accuracy and that metric."""

    metric: str
    known: Sequence[Member]
    chosen: list[int]

    @classmethod
    def by(cls, metric: str, members: Sequence[Member]) -> "Choice":
        """The choice by a metric instead of the throughput."""
        known = [one for one in members if metric in one[1].figures]
        candidates = [Candidate(one.name, one.validation_accuracy, standing.figures) for one, standing in known]
        places = placed(candidates, (ACCURACY, metric))
        return cls(metric, known, [place for place, (one, _) in enumerate(known) if places[one.name].on_frontier])

    @property
    def points(self) -> list[Pair]:
        """The accuracy and the throughput of each variant."""
        return [(standing.figures[ACCURACY][0], standing.figures[THROUGHPUT][0]) for _, standing in self.known]

    def knee(self) -> int | None:
        """The place of the frontier's knee in accuracy and the metric."""
        sign = 1 if self.metric == THROUGHPUT else -1
        figures = [self.known[place][1].figures for place in self.chosen]
        found = knee([(one[ACCURACY][0], sign * one[self.metric][0]) for one in figures])
        return None if found is None else self.chosen[found]


def trust(members: Sequence[Member]) -> list[Section]:
    """A drawing for each metric, then the table of the costs, over published and dropped variants."""
    compared = comparable(members)
    if len(compared) < FEWEST:
        return [Section("", [f"The comparison needs {FEWEST} variants with known accuracy and throughput."])]
    sections, rows = [], [row("throughput", Choice.by(THROUGHPUT, compared))]
    for metric, label in TRUSTED.items():
        choice = Choice.by(metric, compared)
        if len(choice.known) < FEWEST:
            sections.append(Section(f"Chosen by {label}", [f"Not there: {label} is known of {len(choice.known)}."]))
            continue
        sections.append(drawn(choice, label))
        rows.append(row(label, choice))
    notes = [
        f"Over {len(compared)} of {len(members)} variants, published or dropped, with known accuracy on the same data.",
        "Intervals decide which variants are on a frontier; the other columns use point values. Hypervolume: the area "
        "between a frontier and its reference, the worst accuracy and throughput of all, in images/s. Lost: the share "
        "of the area that the choice by the figure loses. Slowdown: the largest factor by which the true frontier is "
        "faster at the same accuracy or better.",
    ]
    return [*sections, Section("Costs of the choice", notes, table=Table(COLUMNS, rows), wide=True)]


def comparable(members: Sequence[Member]) -> list[Member]:
    """The largest group with known accuracy on the same data and known throughput."""
    groups: dict[str, list[Member]] = {}
    for one in members:
        if set(RANKED_BY) <= one[1].figures.keys():
            groups.setdefault(data(one[0].validation_accuracy), []).append(one)
    return max(groups.values(), key=len, default=[])


def drawn(choice: Choice, label: str) -> Section:
    """The frontier of the metric at its true accuracy and throughput, with the true frontier."""
    true, marks = Choice.by(THROUGHPUT, choice.known), list[Mark]()
    for variant, standing in choice.known:
        (y, low, high), (x, left, right) = standing.figures[ACCURACY], standing.figures[THROUGHPUT]
        title = f"{variant.name}: {share(y)}, {number(x)} images/s, {standing.verdict}"
        marks.append(Mark(x, y, title, low, high, left, right))
    bare = [one._replace(low=None, left=None) for one in marks]
    best = [marks[place] for place in true.chosen]
    joined = [Mark(best[place].x, best[place].y) for place in staircase([(one.y, one.x) for one in best])]
    trusted, at = sorted((bare[place] for place in choice.chosen), key=lambda one: one.y), choice.knee()
    series = [
        Series("all", bare, "#9a9a9a", size=2.4, hollow=True, label="every variant"),
        Series("joined", joined, COLOURS[0], marker="", line="-"),
        Series("true", best, COLOURS[0], size=3.6, label="frontier by throughput"),
        Series("trusted", trusted, COLOURS[1], size=5.4, line="--", hollow=True, label=f"frontier by {label}"),
    ]
    if at is not None:
        series.append(Series("knee", [bare[at]], COLOURS[1], "star", 5.0, label="its knee"))
    both = len(set(choice.chosen) & set(true.chosen))
    note = f"{len(choice.chosen)} chosen by accuracy and {label}; {both} of them are among the {len(true.chosen)} best."
    return Section(f"Chosen by {label}", [note], Drawing([Panel(X, Y, series, height_px=HIGH_PX)]))


def row(label: str, choice: Choice) -> tuple[str, ...]:
    """The row of a choice, compared with the frontier of the variants with a known metric."""
    points, true = choice.points, Choice.by(THROUGHPUT, choice.known)
    area = hypervolume([points[place] for place in choice.chosen], worst(points))
    accuracy, images_per_s = worst(points)
    cost, at = cost_of_trust(points, choice.chosen), choice.knee()
    return (
        label,
        f"{len(choice.chosen)} of {len(choice.known)}",
        str(len(set(choice.chosen) & set(true.chosen))),
        "none" if at is None else choice.known[at][0].name,
        number(area),
        f"{share(accuracy)}, {number(images_per_s)} images/s",
        f"{cost.lost_share:.1%}",
        "unbounded: no chosen variant is so accurate" if cost.slowdown is None else f"{cost.slowdown:.2f} ×",
    )


def correlations(standings: Sequence[Standing]) -> Table:
    """The rank correlation of each cheaper figure with the maximal throughput over the variants."""

    def value(one: Standing, name: str) -> float | None:
        return one.figures[name][0] if name in one.figures else None

    found = throughput_correlations(
        [
            Figures(value(one, "flops"), value(one, "p50_ms"), one.figures[THROUGHPUT][0])
            for one in standings
            if THROUGHPUT in one.figures
        ]
    )
    rows = [(name, known(one, "spearman", "low", "high"), str(one.n)) for name, one in found.items()]
    return Table(("figure", "rank correlation with maximal throughput [95 %]", "variants"), rows)
