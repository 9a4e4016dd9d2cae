"""Figures that may be unknown."""

from collections.abc import Collection, Mapping


def unknown(values: Mapping[str, object], reason: str) -> dict[str, str]:
    """The one reason for every value that is null."""
    return {name: reason for name, value in values.items() if value is None}


def total(values: Collection[float | None]) -> float | None:
    """The sum, unknown where a part is."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
