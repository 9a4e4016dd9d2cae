"""What is known of a task on a target beyond the ranking: what ranks the variants, what trust costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from porting.repository.report.members import Member
from porting.repository.report.scaling import over_variants
from porting.repository.report.section import Section, Table
from porting.repository.report.trust import trust
from porting.repository.report.words import between, known
from porting.repository.schema import Standing
from profiler.analysis.correlation import Figures, RankCorrelation, throughput_correlations
from profiler.records.profile import Profile


@dataclass(frozen=True)
class Chapter:
    """Drawings and tables over the variants of one task on one target."""

    correlations: Table
    trust: list[Section]
    factors: Table


def chapter(members: Sequence[Member], profiles: Mapping[str, Profile]) -> Chapter:
    """The chapter of `members`, whose profiles are given by their names."""
    return Chapter(
        correlations=correlations([standing for _, standing in members]),
        trust=trust(members),
        factors=over_variants(profiles.values()),
    )


def correlations(standings: Sequence[Standing]) -> Table:
    """How well cheaper figures rank the variants: Spearman's coefficient against maximal throughput."""
    figures = [
        Figures(value(one, "flops"), value(one, "p50_ms"), one.figures["images_per_s"][0])
        for one in standings
        if "images_per_s" in one.figures
    ]
    found = throughput_correlations(figures).items()
    return Table(
        ("figure", "rank correlation with maximal throughput [95 %]", "variants"),
        [(name, spearman(one), str(one.n)) for name, one in found],
    )


def value(standing: Standing, name: str) -> float | None:
    """The value of a figure, or `None` where it is unknown."""
    return standing.figures[name][0] if name in standing.figures else None


def spearman(one: RankCorrelation) -> str:
    """The coefficient with its interval, or the reason why it is unknown."""
    return known(one, "spearman") if one.spearman is None else between(one.spearman, one.low, one.high)
