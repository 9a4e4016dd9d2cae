"""Figures that may be missing, and the reasons."""

from collections.abc import Collection, Mapping
from typing import TypeVar

T = TypeVar("T")
NOT_VISIBLE = "the serving processes are not ours to see"


class MissingValues:
    """Collects the `reasons` of the values of one record that are null."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def note(self, name: str, value: T | None, reason: str) -> T | None:
        """The value of the field `name`; where that is null, the reason is kept."""
        if value is None:
            self.reasons[name] = reason
        return value


def unknown(values: Mapping[str, object], reason: str) -> dict[str, str]:
    """The one reason for every value that is null."""
    return {name: reason for name, value in values.items() if value is None}


def total(values: Collection[float | None]) -> float | None:
    """The sum, unknown where a part is."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
