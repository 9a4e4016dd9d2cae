"""One section of a made-up variant, and what its drawing holds."""

from porting.repository.report import sheet
from porting.repository.report.drawing import Panel, Series
from porting.repository.report.section import Section
from profiler.records.profile import Profile

SECTIONS = {show.__name__: show for show in sheet.SECTIONS}
DRAWN = ("latency", "throughput", "warm_up", "load", "repeats")


def section(profile: Profile, name: str) -> Section:
    return SECTIONS[name](profile)


def panel(profile: Profile, name: str, place: int = 0) -> Panel:
    drawing = section(profile, name).drawing
    assert drawing is not None
    return drawing.panels[place]


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
