"""What is known of a task on a target beyond the ranking: what ranks the variants, and each of them by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from porting.repository.curves.cores import over_variants
from porting.repository.curves.section import Table
from porting.repository.curves.sheet import Sheet, sheet
from porting.repository.curves.words import between, known
from porting.repository.schema import Published, Standing, Summary
from profiler.analysis.correlation import Figures, throughput_correlations
from profiler.records.correlation import RankCorrelation
from profiler.records.profile import Profile


@dataclass(frozen=True)
class Chapter:
    """Tables over the variants of one task on one target, and a sheet for each that is published."""

    correlations: Table
    factors: Table
    sheets: list[Sheet]


def chapter(members: Sequence[tuple[Summary, Standing]], profiles: Mapping[str, Profile]) -> Chapter:
    """The chapter of `members`, whose profiles are given by their names."""
    return Chapter(
        correlations=correlations([standing for _, standing in members]),
        factors=over_variants(profiles.values()),
        sheets=[sheet(one.name, profiles[one.name]) for one, _ in members if isinstance(one, Published)],
    )


def correlations(standings: Sequence[Standing]) -> Table:
    """How well cheaper figures rank the variants: Spearman's coefficient against maximal throughput."""
    figures = [
        Figures(one.complexity.flops, one.latency_batch_1_p50_ms, one.max_throughput.corrected_images_per_s)
        for one in standings
    ]
    found = throughput_correlations(figures).items()
    return Table(
        ("figure", "rank correlation with maximal throughput [95 %]", "variants"),
        [(name, spearman(one), str(one.n)) for name, one in found],
    )


def spearman(one: RankCorrelation) -> str:
    return known(one, "spearman") if one.spearman is None else between(one.spearman, one.low, one.high)
