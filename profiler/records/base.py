"""The base classes of records: frozen, validated values with units in their names and a reason for every unknown."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from profiler.common.target import Resources
from profiler.records.place import Place, PlaceFields

Verdict = Literal["settled", "unsettled", "not saturated", "disturbed"]
Kind = Literal["measured", "predicted"]
# A count that fits the 32 bits of a server's configuration.
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
MissingVerdict = Literal["failed", "out of budget", "too long", "unavailable"]
ReferenceKind = Literal["in process", "served"]


class Value(BaseModel):
    """A frozen value with checked fields, none of which is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Record(Value):
    """A value whose fields may be unknown: such a field is `None`, and its reason is in `reasons`."""

    reasons: dict[str, str] = {}

    @model_validator(mode="after")
    def every_unknown_has_a_reason(self) -> Self:
        """The record itself; raises `ValueError` where the null fields and the reasons differ."""
        unknown = {name for name, value in self.__dict__.items() if value is None}
        if unknown != self.reasons.keys():
            raise ValueError(f"fields that are null {sorted(unknown)} and reasons {sorted(self.reasons)} differ")
        return self


class Missing(Record):
    """A planned point without a figure; `point` names the kind of the missing record and `at` its identity.

    A later run measures it, unless it is `too long` for the level or `unavailable` on this machine. `setting` is the
    setting of a run that measures it. It is empty for a `failed` point, which the same settings may measure, and for an
    `unavailable` one, which none measures here.
    """

    part: str
    point: str
    at: dict[str, JsonValue]
    verdict: MissingVerdict
    reason: str
    setting: str = Field(default="", pattern=r"^(profile\.budget_s=[0-9]{1,6})?$")

    def fits(self, budget_s: float) -> bool:
        """Whether a budget of a level is enough for a point that is `too long` for a smaller one."""
        return self.setting != "" and float(self.setting.partition("=")[2]) <= budget_s


class Noise(Record):
    """The other activity of the machine while a point was measured; shares are 0 to 1.

    `steal_share` is of all cores. `switches_per_s` counts the context switches of the whole machine.
    `throttled_share` is the share of scheduling periods in which the profiler's control group reached its quota.
    `reference_per_s` is the rate of the reference network beside the slices that count, in the profiler's process or
    served. `others_share` is the use of the cores of server and load generator by other processes, those of a
    hypervisor's other guests included. `thrown_share` of the slices were thrown away, as other processes took too much
    beside them or the reference ran too slowly; `busiest` names the processes. A point is `disturbed` where too few
    slices were left.
    """

    steal_share: float | None = Field(ge=0, le=1)
    load_1min: float = Field(ge=0)
    cpu_mhz: float | None = Field(gt=0)
    switches_per_s: float = Field(ge=0)
    cgroup_cores: float | None = Field(gt=0)
    throttled_share: float | None = Field(ge=0, le=1)
    reference: ReferenceKind = "in process"
    reference_per_s: float | None = Field(gt=0)
    others_share: float | None = Field(ge=0, le=1)
    thrown_share: float = Field(default=0.0, ge=0, le=1)
    disturbed: bool = False
    busiest: tuple[str, ...] = ()


class NormalRate(Value):
    """The normal rate of a reference network on a machine, learnt from all undisturbed readings on it.

    It serves to recognise a disturbance. No figure is scaled by it. `drift_sd_share` is the relative standard
    deviation between readings that lie apart, and part of the interval of every absolute figure.
    """

    per_s: float = Field(gt=0)
    readings: int = Field(ge=1)
    standard_error_share: float = Field(ge=0)
    drift_sd_share: float = Field(ge=0)


class Point(Record):
    """Figures of a loaded model, from a `part` of the plan; the fields in `identity` tell points of a kind apart."""

    identity: ClassVar[tuple[str, ...]]
    part: str = ""
    kind: Kind = "measured"
    runtime: str
    cores: float = Field(gt=0)
    threads: Count
    instances: Count

    @property
    def resources(self) -> Resources:
        """The resources that the model had."""
        return Resources(self.cores, self.threads, self.instances)

    @property
    def place(self) -> Place:
        """The place at which the point was measured."""
        axes = {name: getattr(self, name) for name in self.identity if name not in PlaceFields.__annotations__}
        return Place(self.runtime, self.resources, **axes)

    def at(self) -> dict[str, Any]:
        """The values of the point's identity, by name."""
        return self.place.at(self.identity)


class Timed(Point):
    """A point whose figures depend on other work on the machine, with the noise during its measurement."""

    noise: Noise

    def is_disturbed(self) -> bool:
        """Whether too few of its slices were undisturbed for a comparison."""
        return self.noise.disturbed

    def is_wanted_again(self) -> bool:
        """Whether a later run has something to add, as this measurement was disturbed."""
        return self.noise.disturbed


T = TypeVar("T")
NOT_VISIBLE = "the serving processes are not visible to the profiler"


class MissingValues:
    """The `reasons` for the null values of one record, collected value by value."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def note(self, name: str, value: T | None, reason: str) -> T | None:
        """The value of the field `name`; where it is null, its reason is kept."""
        if value is None:
            self.reasons[name] = reason
        return value


def unknown(values: Mapping[str, object], reason: str) -> dict[str, str]:
    """The same reason for every null value, by name."""
    return {name: reason for name, value in values.items() if value is None}


def total(values: Collection[float | None]) -> float | None:
    """The sum of the values, unknown where one of them is unknown."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
