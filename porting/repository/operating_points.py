"""Operating points (variants on targets at batch sizes) with their figures, and conditions on them."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from porting.repository.figures import AT_DEADLINE, CAPACITY_NAME, METRICS, every_metric
from porting.repository.interpolation import SOURCES
from porting.repository.reader import Repository
from porting.repository.schema import Figure, Published
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.common.target import Resources

SETTINGS = ("batch", "cores", "threads", "instances")
CONDITION = re.compile(r"\s*([\w.]+)\s*(<=|>=)\s*(\S+)\s*")
# A capacity has a deadline in place of a batch, as it is measured with single requests only.
BY_BATCH = [name for name in SOURCES if name in METRICS]


@dataclass(frozen=True)
class OperatingPoint:
    """A variant on a target at one batch size; `figures` are those of the index, but at this `batch`.

    `unknown` holds the reasons for missing figures; `predicted` names the ones that are interpolated between batches.
    """

    variant: Published
    target: str
    batch: int
    resources: Resources
    figures: Mapping[str, Figure]
    unknown: Mapping[str, str]
    predicted: frozenset[str]

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
    for name in [name for name in known if batch > 1 and AT_DEADLINE.fullmatch(name)]:
        del known[name]
        unknown[name] = "it was measured for single requests"
    return OperatingPoint(
        one.published, one.target, batch, one.profile.target.resources, known, unknown, frozenset(predicted)
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
