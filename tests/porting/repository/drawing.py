"""One section of a made-up variant, and what its drawing holds."""

import re
from xml.etree import ElementTree

import numpy as np

from porting.repository.report.curves import sheet
from porting.repository.report.curves.section import Section
from profiler.records.profile import Profile

NAME = "digits-a"
SECTIONS = {show.__name__: show for show in sheet.SECTIONS}
DRAWN = ("latency", "throughput", "warm_up", "load", "repeats")


def section(profile: Profile, name: str) -> Section:
    return SECTIONS[name](profile, f"{NAME}-{name}")


class Drawing:
    """An SVG, by the ids of its series."""

    def __init__(self, profile: Profile, name: str) -> None:
        self._prefix, self.svg = f"{NAME}-{name}", section(profile, name).svg
        self.root = ElementTree.fromstring(f"<page>{self.svg}</page>")  # noqa: S314, our own

    def group(self, series: str) -> ElementTree.Element:
        (found,) = self.root.findall(f".//*[@id='{self._prefix}-{series}']")
        return found

    def places(self, series: str) -> np.ndarray:
        """Where the markers are, (markers, 2)."""
        return np.array([(float(use.get("x")), float(use.get("y"))) for use in self.group(series).iter("use")])

    def titles(self, series: str) -> list[str]:
        return [title.text for title in self.group(series).iter("title")]

    def corners(self, series: str) -> np.ndarray:
        """The corners of all paths outside of a marker's definition, (corners, 2)."""
        marker = {path for defs in self.group(series).iter("defs") for path in defs}
        text = " ".join(path.get("d") for path in self.group(series).iter("path") if path not in marker)
        return np.array([float(number) for number in re.findall(r"-?[\d.]+", text)]).reshape(-1, 2)


def scale(values: list[float], places: np.ndarray) -> np.poly1d:
    """The straight line from values to places; a tenth of a point is what the coordinates are rounded to."""
    line = np.poly1d(np.polyfit(values, places, 1))
    np.testing.assert_allclose(line(values), places, atol=0.11)
    return line


def log_scale(values: list[float], places: np.ndarray) -> np.poly1d:
    """The straight line from the values' logarithms to places."""
    return scale([float(np.log(value)) for value in values], places)
