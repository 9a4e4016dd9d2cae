"""What it costs to choose by a figure that is cheaper to have than throughput (thesis, figures 5.7 d and e)."""

from collections.abc import Sequence
from dataclasses import dataclass

from porting.repository.hypervolume import Pair, cost_of_trust, hypervolume, knee, staircase, worst
from porting.repository.report.drawing import COLOURS, Axis, Drawing, Mark, Panel, Series
from porting.repository.report.members import Member
from porting.repository.report.section import Section, Table
from porting.repository.report.words import number, share
from porting.repository.schema import Standing, Summary
from porting.repository.standing import RANKED_BY, Candidate, data, placed

ACCURACY, THROUGHPUT = RANKED_BY
X, Y, HIGH_PX = Axis("maximal throughput, images/s", "decades"), Axis("validation accuracy", percent=True), 210
TRUSTED = {"flops": "FLOPs", "p50_ms": "latency"}
COLUMNS = ("chosen by", "chosen", "on the true frontier", "knee", "hypervolume", "its reference", "lost", "slowdown")
FEWEST = 2


@dataclass(frozen=True)
class Choice:
    """The variants of which a metric is known, and the places of those that it puts on its frontier with accuracy."""

    metric: str
    known: Sequence[Member]
    chosen: list[int]

    @classmethod
    def by(cls, metric: str, members: Sequence[Member]) -> "Choice":
        """The choice of a metric in place of the throughput."""
        known = [one for one in members if metric in one[1].figures]
        candidates = [Candidate(one.name, one.validation_accuracy, standing.figures) for one, standing in known]
        places = placed(candidates, (ACCURACY, metric))
        return cls(metric, known, [place for place, (one, _) in enumerate(known) if places[one.name].on_frontier])

    @property
    def points(self) -> list[Pair]:
        """All of them as accuracy and throughput."""
        return [(standing.figures[ACCURACY][0], standing.figures[THROUGHPUT][0]) for _, standing in self.known]

    def knee(self) -> int | None:
        """The place of the frontier's knee in accuracy and the metric itself."""
        sign = 1 if self.metric == THROUGHPUT else -1
        figures = [self.known[place][1].figures for place in self.chosen]
        found = knee([(one[ACCURACY][0], sign * one[self.metric][0]) for one in figures])
        return None if found is None else self.chosen[found]


def trust(members: Sequence[Member]) -> list[Section]:
    """A drawing for each metric, then the table of what it costs; over published and dropped variants."""
    able = comparable(members)
    if len(able) < FEWEST:
        return [Section("", [f"It takes {FEWEST} variants that can be compared in accuracy and throughput."])]
    sections, rows = [], [row("throughput", Choice.by(THROUGHPUT, able))]
    for metric, label in TRUSTED.items():
        choice = Choice.by(metric, able)
        if len(choice.known) < FEWEST:
            sections.append(Section(f"Chosen by {label}", [f"Not there: {label} is known of {len(choice.known)}."]))
            continue
        sections.append(drawn(choice, label))
        rows.append(row(label, choice))
    notes = [
        f"Over {len(able)} of {len(members)} variants, published or dropped: those of known accuracy on the same data.",
        "Intervals decide who is on a frontier; all that follows goes by point values. Hypervolume: the area between a "
        "frontier and its reference, the worst accuracy and throughput of all, in images/s. Lost: the share of it that "
        "choosing by the figure gives away. Slowdown: how many times faster the true frontier is, at worst, at an "
        "accuracy that it reaches.",
    ]
    return [*sections, Section("What is lost", notes, table=Table(COLUMNS, rows), wide=True)]


def comparable(members: Sequence[Member]) -> list[Member]:
    """The largest group of the same data, of which accuracy and throughput are known."""
    groups: dict[str, list[Member]] = {}
    for one in members:
        if set(RANKED_BY) <= one[1].figures.keys():
            groups.setdefault(data(one[0].validation_accuracy), []).append(one)
    return max(groups.values(), key=len, default=[])


def drawn(choice: Choice, label: str) -> Section:
    """The metric's frontier where its members really are, beside the true one."""
    true, marks = Choice.by(THROUGHPUT, choice.known), [mark(*one) for one in choice.known]
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


def mark(variant: Summary, standing: Standing) -> Mark:
    """A variant in the throughput domain."""
    (y, low, high), (x, left, right) = standing.figures[ACCURACY], standing.figures[THROUGHPUT]
    title = f"{variant.name}: {share(y)}, {number(x)} images/s, {standing.verdict}"
    return Mark(x, y, title, low, high, left, right)


def row(label: str, choice: Choice) -> tuple[str, ...]:
    """A choice against the frontier of the variants of which its metric is known."""
    points, true = choice.points, Choice.by(THROUGHPUT, choice.known)
    area = hypervolume([points[place] for place in choice.chosen], worst(points))
    accuracy, images_per_s = area.reference
    cost, at = cost_of_trust(points, choice.chosen), choice.knee()
    return (
        label,
        f"{len(choice.chosen)} of {len(choice.known)}",
        str(len(set(choice.chosen) & set(true.chosen))),
        "none" if at is None else choice.known[at][0].name,
        number(area.value),
        f"{share(accuracy)}, {number(images_per_s)} images/s",
        f"{cost.lost_share:.1%}",
        "unbounded: none is so accurate" if cost.slowdown is None else f"{cost.slowdown:.2f} ×",
    )
