"""All that is shown of one variant on one target."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from porting.repository.report.latency import latency
from porting.repository.report.load import load
from porting.repository.report.loading import energy, loading, memory
from porting.repository.report.over_time import repeats, warm_up
from porting.repository.report.scaling import by_cores, contention
from porting.repository.report.section import Section, Table
from porting.repository.report.throughput import throughput
from profiler.records.profile import Profile

MISSING = "Missing and unsettled points"


def missing(profile: Profile) -> Section:
    """Every planned point without a figure, then every point whose verdict is not that it settled."""
    rows = [*absent_rows(profile), *unsettled_rows(profile)]
    if not rows:
        return Section(MISSING, ["None: every planned point has a figure that settled."])
    return Section(MISSING, [], table=Table(("point", "at", "verdict", "reason"), rows), wide=True)


def absent_rows(profile: Profile) -> Iterator[tuple[str, ...]]:
    """A row for each planned point that has no figure."""
    return ((one.point, place(one.at), one.verdict, one.reason) for one in profile.missing)


def unsettled_rows(profile: Profile) -> Iterator[tuple[str, ...]]:
    """A row for each point whose verdict is not `settled`."""
    for point in profile.points():
        verdict = getattr(point, "verdict", "settled")
        if verdict != "settled":
            yield type(point).__name__, place(point.at()), verdict, getattr(point, "verdict_reason", "")


def place(at: Mapping[str, Any]) -> str:
    """The values that say which point it is."""
    return ", ".join(f"{name} {value}" for name, value in at.items())


SECTIONS: tuple[Callable[[Profile], Section], ...] = (
    latency, throughput, warm_up, load, repeats, by_cores, contention, loading, memory, energy, missing,
)  # fmt: skip


def sheet(profile: Profile) -> list[Section]:
    """All sections of a profile, in the order of reading."""
    return [show(profile) for show in SECTIONS]
