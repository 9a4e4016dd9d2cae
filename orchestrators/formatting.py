"""Figures as text in tables and pictures."""


def number(value: float | None, form: str, otherwise: str = "unknown") -> str:
    """The value in a format such as `.4f`; `otherwise` for `None`."""
    return otherwise if value is None else format(value, form)


def percent(share: float | None, digits: int, sign: str = "") -> str:
    """A share as a percentage with `sign` behind it; `unknown` for `None`."""
    return "unknown" if share is None else f"{100 * share:.{digits}f}{sign}"
