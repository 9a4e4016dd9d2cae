"""Operating points (variants on targets at batch sizes) with their figures, and conditions on them."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from porting.repository.figures import AT_DEADLINE, CAPACITY_NAME, DISTURBED, METRICS, compared_by, every_metric
from porting.repository.interpolation import SOURCES
from porting.repository.reader import Repository
from porting.repository.schema import Figure, Published
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.common.target import Resources
from profiler.records.base import Verdict

SETTINGS = ("batch", "cores", "threads", "instances")
CONDITION = re.compile(r"\s*([\w.]+)\s*(<=|>=)\s*(\S+)\s*")
# Figures of single requests only. A capacity is one too; its name has a deadline in place of a batch.
SINGLE = ("single_images_per_s", "relative_single_throughput")
BY_BATCH = [name for name in SOURCES if name in METRICS and name not in SINGLE]


@dataclass(frozen=True)
class OperatingPoint:
    """A variant on a target at one batch size; `figures` are those of the index, but at this `batch`.

    `unknown` holds the reasons for missing figures; `predicted` names the ones that are interpolated between batches.
    `verdict` is that on the maximal throughput at this batch where it was measured, else on that of the best batch, and
    `others_share` is the use of the cores by other processes beside it.
    """

    variant: Published
    target: str
    batch: int
    resources: Resources
    figures: Mapping[str, Figure]
    unknown: Mapping[str, str]
    predicted: frozenset[str]
    verdict: Verdict
    others_share: float | None

    def value(self, name: str) -> float | None:
        """A figure or a setting, `None` where it is unknown."""
        if name in SETTINGS:
            return float(self.batch if name == "batch" else getattr(self.resources, name))
        figure = self.figures.get(name)
        return None if figure is None else figure[0]


def operating_points(repository: Repository, task: str, target: str) -> Iterator[OperatingPoint]:
    """The operating points of a task on a target, at every batch size with a measured latency or throughput."""
    for variant in repository.measured(task, target):
        one = repository.on(variant.name, target)
        latencies = {point.batch for point in one.profile.own(one.profile.latency)}
        for batch in sorted(latencies | {point.batch for point in one.profile.own(one.profile.max_throughput)}):
            yield operating_point(one, batch)


def operating_point(one: VariantOnTarget, batch: int) -> OperatingPoint:
    """The operating point of a variant at a batch size."""
    known = {name: figure for name, figure in one.standing.figures.items() if name not in BY_BATCH}
    names = every_metric(one.standing.unknown)
    unknown = {name: one.why_unknown(name) for name in names if name not in one.standing.figures}
    predicted = set()
    for name in BY_BATCH:
        unknown.pop(name, None)
        try:
            reading = one.lookup(name).at(batch=batch)
        except BadInputError as error:
            unknown[name] = str(error)
            continue
        known[name] = reading.value, reading.low, reading.high
        if reading.kind == "predicted":
            predicted.add(name)
    for name in [name for name in known if batch > 1 and (name in SINGLE or AT_DEADLINE.fullmatch(name))]:
        del known[name]
        unknown[name] = "it was measured for single requests"
    unknown |= {compared_by(name): DISTURBED for name in known if compared_by(name) not in known}
    own, best, resources = one.profile.throughput_at(batch), one.standing, one.profile.target.resources
    verdict, others_share = (own.verdict, own.noise.others_share) if own else (best.verdict, best.others_share)
    return OperatingPoint(
        one.published, one.target, batch, resources, known, unknown, frozenset(predicted), verdict, others_share
    )


@dataclass(frozen=True)
class Condition:
    """A condition in text form, for example `p99_ms<=20`: `name` is at least (`>=`) or at most (`<=`) `limit`."""

    name: str
    sign: str
    limit: float

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.limit:g}"

    def met_by(self, value: float) -> bool:
        """Whether a value meets the condition."""
        return value >= self.limit if self.sign == ">=" else value <= self.limit

    def surely_met_by(self, figure: Figure) -> bool:
        """Whether the worse end of the interval meets the condition too; false without an interval."""
        end = figure[1] if self.sign == ">=" else figure[2]
        return end is not None and self.met_by(end)

    def lack(self, value: float) -> float:
        """The distance of a value from the limit, as a share of the limit; 0 where the condition is met."""
        return 0.0 if self.met_by(value) else abs(value - self.limit) / (abs(self.limit) or 1.0)

    def relaxed_to(self, value: float) -> str:
        """The condition that `value` just meets, rounded to four digits towards the side that it meets."""
        digits = min(300, 4 - math.ceil(math.log10(abs(value)))) if value else 0
        scale = 10.0**digits
        whole = math.floor(value * scale) if self.sign == ">=" else math.ceil(value * scale)
        return f"{self.name}{self.sign}{whole / scale:.10g}"


def condition(text: str) -> Condition:
    """Parses a condition; raises `BadInputError` that names the text and the valid forms."""
    match = CONDITION.fullmatch(text)
    if match is None:
        raise BadInputError(f"{text!r} is no condition: write NAME>=NUMBER or NAME<=NUMBER, for example p99_ms<=20")
    name, sign, number = match.groups()
    if name not in (*METRICS, *SETTINGS) and not AT_DEADLINE.fullmatch(name):
        choices = ", ".join([*METRICS, CAPACITY_NAME.format("DEADLINE"), *SETTINGS])
        raise BadInputError(f"{text!r}: unknown figure {name!r}, choices are {choices}")
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise BadInputError(f"{text!r}: {number!r} is no number")
    return Condition(name, sign, limit)
