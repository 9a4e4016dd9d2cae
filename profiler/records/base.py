"""What a measurement is: frozen, validated values with units in their names and a reason beside every unknown."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Verdict = Literal["settled", "unsettled", "not saturated"]
Kind = Literal["measured", "predicted"]
# As a server's configuration holds it, in 32 bits.
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Value(BaseModel):
    """A frozen value of checked fields, of which none is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
    """One record among others of its kind; the fields in `identity` say which one it is.

    `part` is the part of the plan that measured it, which the plan fills in.
    """

    identity: ClassVar[tuple[str, ...]]
    part: str = ""

    def at(self) -> dict[str, Any]:
        """Where it was measured: the values of its identity."""
        return {name: getattr(self, name) for name in self.identity}
