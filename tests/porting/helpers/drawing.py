"""One section of a made-up variant, and what its drawing holds."""

from collections.abc import Sequence

from narrowing import known

from porting.repository.report import report
from porting.repository.report.section import Drawing, Panel, Section, Series
from profiler.records.profile import Profile

SECTIONS = {show.__name__: show for show in report.SECTIONS}
DRAWN = ("latency", "throughput", "warm_up", "load", "repeats")


def section(profile: Profile, name: str) -> Section:
    return SECTIONS[name](profile)


def drawn(profile: Profile, name: str) -> Drawing:
    return known(section(profile, name).drawing)


def rows(profile: Profile, name: str) -> Sequence[tuple[str, ...]]:
    """The rows of the section's table."""
    return known(section(profile, name).table).rows


def panel(profile: Profile, name: str, place: int = 0) -> Panel:
    return drawn(profile, name).panels[place]


def names(profile: Profile, section_name: str) -> set[str]:
    """The series of all panels."""
    drawing = section(profile, section_name).drawing
    return {series.name for panel in drawing.panels for series in panel.series} if drawing else set()


def series(profile: Profile, section_name: str, name: str, place: int = 0) -> Series:
    (found,) = (one for one in panel(profile, section_name, place).series if one.name == name)
    return found


def values(series: Series, field: str) -> list[float]:
    return [getattr(mark, field) for mark in series.marks]


def titles(series: Series) -> list[str]:
    return [mark.title for mark in series.marks]
