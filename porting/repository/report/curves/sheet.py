"""All that is shown of one variant on one target."""

from collections.abc import Callable
from dataclasses import dataclass

from porting.repository.report.curves.cores import by_cores, contention
from porting.repository.report.curves.costs import energy, loading, memory
from porting.repository.report.curves.latency import latency
from porting.repository.report.curves.load import load
from porting.repository.report.curves.missing import missing
from porting.repository.report.curves.repeats import repeats
from porting.repository.report.curves.section import Section
from porting.repository.report.curves.throughput import throughput
from porting.repository.report.curves.warm_up import warm_up
from profiler.records.profile import Profile

SECTIONS: tuple[Callable[[Profile, str], Section], ...] = (
    latency, throughput, warm_up, load, repeats, by_cores, contention, loading, memory, energy, missing,
)  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A variant's sections, in the order of reading."""

    variant: str
    summary: str
    sections: list[Section]


def sheet(variant: str, profile: Profile) -> Sheet:
    """The sections of a profile; ids in their drawings begin with the variant, the target and the section."""
    sections = [show(profile, f"{variant}-{profile.target_name}-{show.__name__}") for show in SECTIONS]
    summary = f"level {profile.level}, measured {profile.measured_at:%Y-%m-%d %H:%M UTC} in {profile.seconds:.0f} s"
    return Sheet(variant, summary, sections)
