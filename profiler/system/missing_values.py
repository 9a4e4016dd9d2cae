"""Values that may be missing, and the reasons."""

from collections.abc import Collection, Mapping
from typing import TypeVar

T = TypeVar("T")
NOT_VISIBLE = "the serving processes are not ours to see"


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
