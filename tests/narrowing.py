"""Values of which a test knows more than their declared types say."""

from typing import TypeVar

T = TypeVar("T")


# Neither function has an `assert` statement, as a test that only narrows values tests nothing.
def known(value: T | None) -> T:
    """The value, which is a figure and not unknown; raises TypeError otherwise."""
    if value is None:
        raise TypeError("the value is unknown: expected a known one")
    return value


def of(value: object, kind: type[T]) -> T:
    """The value, which is of this class; raises TypeError otherwise."""
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is of {type(value).__name__}: expected {kind.__name__}")
    return value
