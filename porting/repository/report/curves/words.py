"""Figures in words: rounded, with their interval, or unknown with the reason."""

from collections.abc import Iterable

import numpy as np

from profiler.records.base import Record


def number(value: float, digits: int = 3) -> str:
    """Three significant digits unless told, all those before the point, and never an exponent."""
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return np.format_float_positional(value, precision=digits, fractional=False, trim="-")


def share(value: float) -> str:
    """In per cent."""
    return f"{100 * value:.4g}%"


def figure(value: float | None) -> str:
    """A figure for a table, whose notes say why it is unknown."""
    return "unknown" if value is None else number(value)


def mebibytes(value: int | None) -> str:
    return "unknown" if value is None else f"{value / 2**20:,.1f} MiB"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """A figure with the ends of its interval, where it has one."""
    return figure(value) if low is None or high is None else f"{figure(value)} [{number(low)}, {number(high)}]"


def known(record: Record, name: str) -> str:
    """A figure of a record, or why it is unknown."""
    value = getattr(record, name)
    return f"unknown ({record.reasons[name]})" if value is None else number(value)


def why_unknown(records: Iterable[Record], *names: str) -> list[str]:
    """For every one of these figures that is unknown somewhere the reason, each of them once."""
    found = ((name, record.reasons[name]) for record in records for name in names if name in record.reasons)
    return [f"Unknown {name}: {reason}." for name, reason in dict.fromkeys(found)]
