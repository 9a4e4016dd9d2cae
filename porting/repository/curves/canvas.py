"""A small figure of one variant; each of its points tells its figures under the pointer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from porting.repository.curves.svg import to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# As wide as a telephone shows without making the text smaller.
INCHES_WIDE, INCHES_HIGH = 4.8, 3.0
COLOURS = ("#1f5fa8", "#c8501e", "#2e8540", "#7a3e9d", "#8a6d00", "#00798c")
# Ticks in a decade, from the smallest ratio of the axis' ends that they serve on.
TICKS = {300: (1.0,), 20: (1.0, 3.0), 0: (1.0, 2.0, 3.0, 5.0, 7.0)}
GREY, PALE = "#666666", "#e4e4e4"


@dataclass(frozen=True)
class Mark:
    """A point, the ends of its interval where it has one, and its figures in words."""

    x: float
    y: float
    title: str
    low: float | None = None
    high: float | None = None


class Canvas:
    """Panels below each other or side by side; `name` is unique in the page and begins the id of every series."""

    def __init__(self, name: str, heights: Sequence[float] = (1.0,), columns: int = 1) -> None:
        from matplotlib.figure import Figure

        self.name = name
        self._figure = Figure(figsize=(INCHES_WIDE, INCHES_HIGH * sum(heights)), layout="constrained")
        self._titles: dict[str, list[str]] = {}
        grid = self._figure.subplots(
            len(heights), columns, squeeze=False, sharex="col", gridspec_kw={"height_ratios": list(heights)}
        )
        self.panels: list[Axes] = list(grid.flat)
        self._figure.patch.set_visible(False)
        for axes in self.panels:
            axes.patch.set_visible(False)
            axes.grid(visible=True, axis="y", color=PALE, linewidth=0.5, clip_on=False)
            axes.set_axisbelow(True)
            axes.locator_params(nbins=5)
            axes.tick_params(which="both", length=0, labelsize=8)
            axes.spines[["top", "right"]].set_visible(False)

    def marks(
        self,
        axes: "Axes",
        series: str,
        marks: Sequence[Mark],
        *,
        colour: str,
        marker: str = "o",
        size: float = 4.5,
        line: str = "",
        hollow: bool = False,
        label: str = "",
    ) -> None:
        """Draws a series with its intervals, joined by `line` if that is one; its group has the id `name-series`."""
        group = f"{self.name}-{series}"
        axes.plot(
            [mark.x for mark in marks], [mark.y for mark in marks], marker=marker, linestyle=line, color=colour,
            markersize=size, linewidth=1, markerfacecolor="none" if hollow else colour, label=label or None, gid=group,
        )  # fmt: skip
        self._titles[group] = [mark.title for mark in marks]
        bounded = [(mark.x, mark.low, mark.high) for mark in marks if mark.low is not None and mark.high is not None]
        if bounded:
            xs, lows, highs = zip(*bounded, strict=True)
            axes.vlines(xs, lows, highs, color=colour, linewidth=1, alpha=0.6, gid=f"{group}-interval")

    def svg(self, label: str, legend_columns: int = 2) -> str:
        """The drawing as an `<svg>` element, with a legend above each panel that has something to tell apart."""
        for axes in self.panels:
            axes.xaxis.label.set_fontsize(8)
            axes.yaxis.label.set_fontsize(8)
            handles, labels = axes.get_legend_handles_labels()
            if labels:
                axes.legend(
                    handles,
                    labels,
                    loc="lower left",
                    bbox_to_anchor=(0, 1),
                    ncols=legend_columns,
                    fontsize=8,
                    frameon=False,
                )
        return to_svg(self._figure, self.name, label, self._titles)


def doublings(axes: "Axes") -> None:
    """An x axis on which each doubling is as wide as the one before."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator([2**power for power in range(12)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def decades(axes: "Axes") -> None:
    """A logarithmic y axis that says numbers instead of powers, the fewer the more decades it spans."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axes.set_yscale("log", nonpositive="mask")
    low, high = axes.get_ylim()
    subs = next(subs for least, subs in TICKS.items() if high / low >= least)
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
