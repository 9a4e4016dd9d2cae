"""Figures as words in tables and pictures."""


def number(value: float | None, form: str, otherwise: str = "unknown") -> str:
    """The value in a format such as `.4f`."""
    return otherwise if value is None else format(value, form)


def percent(share: float | None, digits: int, sign: str = "") -> str:
    """A share as a percentage; `sign` stands behind it where it is known."""
    return "unknown" if share is None else f"{100 * share:.{digits}f}{sign}"
