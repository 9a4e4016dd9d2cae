"""The methods of a family side by side: test accuracy over speed-up, with the joined frontier of each method."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from porting.repository.hypervolume import staircase

COLOURS = ("#1f5fa8", "#d98c00", "#3c8d40", "#666666")

# The variants by method: speed-up over the base, test accuracy (0 to 1), and whether the variant is int8.
Curves = Mapping[str, Sequence[tuple[float, float, bool]]]


def draw(families: Mapping[str, Curves], path: Path) -> None:
    """Draws one panel a family and writes a PNG; int8 variants have empty marks."""
    figure = Figure(figsize=(6.4, 4.4 * len(families)), layout="constrained")
    panels = figure.subplots(len(families), squeeze=False)[:, 0]
    for axes, (family, curves) in zip(panels, families.items(), strict=True):
        for colour, (method, points) in zip(COLOURS, curves.items(), strict=False):
            faces = ["white" if int8 else colour for _, _, int8 in points]
            x, y = [one[0] for one in points], [100 * one[1] for one in points]
            axes.scatter(x, y, s=40, c=faces, edgecolors=colour, zorder=3, label=method)
            best = staircase(list(zip(x, y, strict=True)))
            axes.plot([x[one] for one in best], [y[one] for one in best], color=colour, linewidth=1)
        axes.set(
            title=family, xscale="log", xlabel="maximal throughput over the fp32 base's", ylabel="test accuracy, %"
        )
        axes.grid(visible=True, which="both", color="#e4e4e4", linewidth=0.5)
        axes.legend(frameon=False, title="hollow: int8")
    figure.savefig(path, dpi=110)
