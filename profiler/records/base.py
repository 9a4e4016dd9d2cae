"""What a measurement is: frozen, validated values with units in their names and a reason beside every unknown."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from profiler.common.resources import Resources
from profiler.records.place import Place, PlaceFields

Verdict = Literal["settled", "unsettled", "not saturated"]
Kind = Literal["measured", "predicted"]
# As a server's configuration holds it, in 32 bits.
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Value(BaseModel):
    """A frozen value of checked fields, of which none is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Record(Value):
    """A value of which some field may be unknown: `None` with its reason in `reasons`, never 0 and never silent."""

    reasons: dict[str, str] = {}

    @model_validator(mode="after")
    def every_unknown_has_a_reason(self) -> Self:
        unknown = {name for name, value in self.__dict__.items() if value is None}
        if unknown != self.reasons.keys():
            raise ValueError(f"fields that are null {sorted(unknown)} and reasons {sorted(self.reasons)} differ")
        return self


class Point(Record):
    """One figure or some figures of a loaded model; the fields in `identity` tell it from others of its kind.

    `part` is the part of the plan that measured it, which the plan fills in.
    """

    identity: ClassVar[tuple[str, ...]]
    part: str = ""
    kind: Kind = "measured"
    runtime: str
    cores: float = Field(gt=0)
    threads: Count
    instances: Count

    @property
    def resources(self) -> Resources:
        """What the model had of the machine."""
        return Resources(self.cores, self.threads, self.instances)

    @property
    def place(self) -> Place:
        """Where the point was measured."""
        axes = {name: getattr(self, name) for name in self.identity if name not in PlaceFields.__annotations__}
        return Place(self.runtime, self.resources, **axes)

    def at(self) -> dict[str, Any]:
        """The values of its identity by name."""
        return self.place.at(self.identity)
