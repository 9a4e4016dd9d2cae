"""How the figures of `porting.repository.figures` are said to a person: label, unit, number, interval, place."""

from collections.abc import Mapping
from dataclasses import dataclass

from porting.repository.figures import METRICS, why_unknown
from porting.repository.report.curves.words import number
from porting.repository.schema import Accuracy, Figure, Standing, Summary

DIGITS = 4
# By name or by unit: what a value is multiplied by, and the unit that it then has.
SHOWN_AS = {
    "accuracy": (100.0, "%"),
    "images_per_s": (1.0, "images/s"),
    "capacity_requests_per_s": (1.0, "requests/s"),
    "bytes": (1 / 1024, "KiB"),
    "1": (1.0, ""),
}


@dataclass(frozen=True)
class Display:
    """A metric as it is written above a column or beside an axis."""

    label: str
    unit: str
    factor: float

    @property
    def title(self) -> str:
        return f"{self.label}, {self.unit}" if self.unit else self.label

    def value(self, value: float) -> str:
        return number(value * self.factor, DIGITS)

    def interval(self, figure: Figure) -> str:
        """The ends of the interval; nothing where there is none, or where the figure is exact."""
        value, low, high = figure
        if low is None or high is None or low == value == high:
            return ""
        return f"[{self.value(low)}, {self.value(high)}]"


def display(name: str) -> Display:
    """Of a metric by its name; its meaning begins with its label."""
    metric = METRICS[name]
    factor, unit = SHOWN_AS.get(name) or SHOWN_AS.get(metric.unit) or (1.0, metric.unit)
    return Display(metric.meaning.split(",")[0], unit, factor)


def said(standing: Standing, name: str) -> str:
    """A figure with its interval and its unit, or why it is unknown."""
    if name not in standing.figures:
        return f"unknown: {why_unknown(standing, name)}"
    return f"{in_words(standing.figures, name)} {display(name).unit}".rstrip()


def in_words(figures: Mapping[str, Figure], name: str) -> str:
    """A figure with its interval in the unit of its display, or that it is unknown."""
    if name not in figures:
        return "unknown"
    shown, figure = display(name), figures[name]
    return f"{shown.value(figure[0])} {shown.interval(figure)}".rstrip()


def percent(accuracy: Accuracy | None) -> str:
    return f"{accuracy.value:.2%}" if accuracy else "unknown"


def place_in_words(variant: Summary, standing: Standing) -> str:
    """On the frontier, or why not."""
    if not standing.on_frontier:
        return f"no: dominated by {standing.dominated_by}"
    if variant.validation_accuracy is None:
        return "yes: its accuracy is unknown, so nothing can dominate it"
    return f"yes, tied with {', '.join(standing.ties_with)}" if standing.ties_with else "yes"
