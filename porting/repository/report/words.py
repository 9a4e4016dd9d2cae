"""Figures as texts: rounded, with their interval and unit, or unknown with the reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from porting.repository.figures import compared_by, figure_of, metric, why_unknown
from porting.repository.schema import Figure, Standing, Summary
from porting.repository.standing import RANKED_BY, Candidate, unranked
from profiler.records.base import Record

DIGITS = 4
# The factor and the unit for display, by the name or the unit of a metric.
SHOWN_AS = {
    "accuracy": (100.0, "%"),
    "images_per_s": (1.0, "images/s"),
    "single_images_per_s": (1.0, "images/s"),
    "bytes": (1 / 1024, "KiB"),
    "1": (1.0, ""),
}


def number(value: float, digits: int = 3) -> str:
    """The value with three significant digits by default, all digits before the point, and no exponent."""
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return np.format_float_positional(value, precision=digits, fractional=False, trim="-")


def share(value: float) -> str:
    """The share in per cent."""
    return f"{100 * value:.4g}%"


def figure(value: float | None) -> str:
    """A figure for a table; the notes of the table have the reason where it is unknown."""
    return "unknown" if value is None else number(value)


def mebibytes(value: int | None) -> str:
    """A number of bytes in MiB, or `unknown`."""
    return "unknown" if value is None else f"{value / 2**20:,.1f} MiB"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """A figure with the ends of its interval if they are known."""
    return figure(value) if low is None or high is None else f"{figure(value)} [{number(low)}, {number(high)}]"


def known(record: Record, *fields: str) -> str:
    """The figure in the fields of a record, those of the interval's ends last, or the reason why it is unknown."""
    figure = figure_of(record, *fields)
    return between(*figure) if figure else f"unknown ({record.reasons[fields[0]]})"


def reasons(records: Iterable[Record], *names: str) -> list[str]:
    """The reasons for the unknown ones among these figures, each reason once."""
    found = ((name, record.reasons[name]) for record in records for name in names if name in record.reasons)
    return [f"Unknown {name}: {reason}." for name, reason in dict.fromkeys(found)]


@dataclass(frozen=True)
class Display:
    """A metric as the title of a column or of an axis."""

    label: str
    unit: str
    factor: float

    @property
    def title(self) -> str:
        """The label with its unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    def value(self, value: float) -> str:
        """The value in the unit of the display."""
        return number(value * self.factor, DIGITS)

    def interval(self, figure: Figure) -> str:
        """The ends of the interval; empty where there is none, and where the figure is exact."""
        value, low, high = figure
        if low is None or high is None or low == value == high:
            return ""
        return f"[{self.value(low)}, {self.value(high)}]"


def display(name: str) -> Display:
    """The display of a metric by its name; the first part of its meaning is its label."""
    one = metric(name)
    usual = (1.0, "requests/s" if name.startswith("capacity") else one.unit)
    factor, unit = SHOWN_AS.get(name) or SHOWN_AS.get(one.unit) or usual
    return Display(one.meaning.split(",")[0], unit, factor)


def figure_in_words(standing: Standing, name: str) -> str:
    """A figure with its interval and its unit, or the reason why it is unknown."""
    if name not in standing.figures:
        return f"unknown: {why_unknown(standing, name)}"
    mark = verdict_in_words(standing.figures, name, standing.verdict)
    return " ".join(f"{in_words(standing.figures, name)} {display(name).unit} {mark}".split())


def in_words(figures: Mapping[str, Figure], name: str) -> str:
    """A figure with its interval in the unit of its display, or `unknown`."""
    if name not in figures:
        return "unknown"
    shown, figure = display(name), figures[name]
    return f"{shown.value(figure[0])} {shown.interval(figure)}".rstrip()


def verdict_in_words(figures: Mapping[str, Figure], name: str, verdict: str) -> str:
    """The verdict on a figure in brackets, empty where it settled; `verdict` is that on the maximal throughput.

    A figure whose ratio to the reference network is unknown was disturbed.
    """
    if name == RANKED_BY[1] and verdict != "settled":
        return f"({verdict})"
    return "(disturbed)" if name in figures and compared_by(name) not in figures else ""


def load_in_words(standing: Standing) -> str:
    """The load of the maximal throughput, and the use of the cores by other processes meanwhile."""
    return f"{standing.batch} × {standing.concurrency}, {others_in_words(standing.others_share)}"


def others_in_words(others_share: float | None) -> str:
    """The use of the cores by other processes."""
    return "others unknown" if others_share is None else f"others {others_share:.0%}"


def place_in_words(variant: Summary, standing: Standing) -> str:
    """Whether a variant is on the frontier, with its ties or its dominator, and the names of its flags."""
    return "; ".join([rank_in_words(variant, standing), *(f"flagged {name}" for name in variant.flags)])


def rank_in_words(variant: Summary, standing: Standing) -> str:
    """Whether a variant is on the frontier, with its ties or its dominator."""
    if standing.dominated_by is not None:
        return f"no: dominated by {standing.dominated_by}"
    lacking = unranked(Candidate(variant.name, variant.validation_accuracy, standing.figures), RANKED_BY)
    if lacking:
        return f"no: its {'accuracy' if lacking[0] == 'accuracy' else display(lacking[0]).label} has no rank"
    if variant.validation_accuracy is None:
        return "yes: its accuracy is unknown, so no variant dominates it"
    return f"yes, tied with {', '.join(standing.ties_with)}" if standing.ties_with else "yes"


def why_unranked(variant: Summary, target: str) -> str:
    """The reason why a variant has no rank, with the processes that disturbed it."""
    standing = variant.targets[target]
    disturbed = standing.verdict_reason if standing.verdict == "disturbed" else ""
    return f"{variant.name}: {disturbed or rank_in_words(variant, standing)}"
