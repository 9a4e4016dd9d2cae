"""What other cores and a neighbour make of the throughput (thesis, table 5.1)."""

from collections.abc import Iterable, Sequence
from statistics import median

from porting.repository.figures import why_absent
from porting.repository.report.fitted_line import fit_in_words
from porting.repository.report.section import Section, Table, absent
from porting.repository.report.words import between, figure, number, share
from profiler.analysis.speed_ups import SpeedUp, speed_ups
from profiler.records.contention import Contention
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput

SPEED_UP, CONTENTION = "Speed-up by cores", "Beside another model"
FORMS = ("batch and cores", "linear in cores")


def by_cores(profile: Profile) -> Section:
    """Maximal throughput against that on one core, batch by batch, and the fits that have cores in them."""
    fits = [fit_in_words(fit) for fit in profile.fits if fit.form in FORMS]
    refused = [f"No fit {one.form}: {one.reason}." for one in profile.refused_fits if one.form in FORMS]
    fits += dict.fromkeys(refused)
    found = speed_ups(profile.max_throughput)
    if not found:
        return Section(SPEED_UP, [f"Not there: {why_absent(profile, MaximalThroughput, 'scaling')}.", *fits])
    note = "Drift-corrected; min and max set the ends of both 95 % intervals against each other."
    columns = ("cores against 1", "batch", "instances", "speed-up", "min", "max")
    return Section(SPEED_UP, [note, *fits], table=Table(columns, [speed_up_row(one) for one in found]))


def speed_up_row(one: SpeedUp) -> tuple[str, ...]:
    """The row of one speed-up."""
    return number(one.cores), str(one.batch), str(one.instances), number(one.ratio), figure(one.low), figure(one.high)


def contention(profile: Profile) -> Section:
    """What is kept beside a reference network at shares of its own maximum."""
    if not profile.contention:
        return absent(CONTENTION, profile, Contention, "contention")
    columns = ("share of the other", "batch", "factor [95 %]", "images/s alone", "beside", "verdict")
    return Section(CONTENTION, [], table=Table(columns, [contention_row(one) for one in profile.contention]))


def contention_row(one: Contention) -> tuple[str, ...]:
    """The row of one share of the reference network."""
    return (
        share(one.share),
        str(one.batch),
        between(one.factor, one.factor_low, one.factor_high),
        number(one.alone_images_per_s),
        number(one.images_per_s),
        one.verdict,
    )


def over_variants(profiles: Iterable[Profile]) -> Table:
    """The same factors over all variants of a target: median, least and greatest, and of how many points."""
    factors: dict[str, list[float]] = {}
    for profile in profiles:
        for up in speed_ups(profile.max_throughput):
            factors.setdefault(f"throughput on {number(up.cores)} cores against 1", []).append(up.ratio)
        for beside in profile.contention:
            factors.setdefault(f"throughput beside a load of {share(beside.share)}", []).append(beside.factor)
    rows = [factor_row(name, values) for name, values in sorted(factors.items())]
    return Table(("factor", "median", "min", "max", "points"), rows)


def factor_row(name: str, values: Sequence[float]) -> tuple[str, ...]:
    """The row of one factor: median, least, greatest, and how many there are."""
    return name, number(median(values)), number(min(values)), number(max(values)), str(len(values))
