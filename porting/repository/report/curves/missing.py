"""What has no figure, or one that did not settle, and why."""

from collections.abc import Iterator, Mapping
from typing import Any

from porting.repository.report.curves.section import Section, Table
from profiler.records.profile import Profile

TITLE = "Missing and unsettled points"


def missing(profile: Profile, _name: str) -> Section:
    """Every planned point without a figure, then every point whose verdict is not that it settled."""
    rows = [*absent_rows(profile), *unsettled_rows(profile)]
    if not rows:
        return Section(TITLE, ["None: every planned point has a figure that settled."])
    return Section(TITLE, [], table=Table(("point", "at", "verdict", "reason"), rows), wide=True)


def absent_rows(profile: Profile) -> Iterator[tuple[str, ...]]:
    return ((one.point, place(one.at), one.verdict, one.reason) for one in profile.missing)


def unsettled_rows(profile: Profile) -> Iterator[tuple[str, ...]]:
    for point in profile.points():
        verdict = getattr(point, "verdict", "settled")
        if verdict != "settled":
            yield type(point).__name__, place(point.at()), verdict, getattr(point, "verdict_reason", "")


def place(at: Mapping[str, Any]) -> str:
    """The values that say which point it is."""
    return ", ".join(f"{name} {value}" for name, value in at.items())
