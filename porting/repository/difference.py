"""The test whether two measurements of one figure differ, from their 95 % intervals."""

import math

from porting.repository.schema import Figure

NORMAL_95 = 1.96
# Two measurements of one thing are called different once in fifty times.
LEVEL = 0.02
NORMAL_AT_LEVEL = 2.326


def differ(one: Figure, other: Figure) -> bool:
    """Whether the logarithms of two figures differ at the level `LEVEL`, which takes an interval of both.

    The standard error of each is read from its interval (JCGM 100:2008, 4.3.4), and both are independent.
    """
    errors = [standard_error(figure) for figure in (one, other)]
    known = [error for error in errors if error is not None]
    if len(known) < len(errors) or one[0] <= 0 or other[0] <= 0:
        return False
    return abs(math.log(other[0] / one[0])) > NORMAL_AT_LEVEL * math.hypot(*known)


def standard_error(figure: Figure) -> float | None:
    """The relative standard error of a figure, `None` where its interval is unknown."""
    _, low, high = figure
    return None if not low or not high else math.log(high / low) / (2 * NORMAL_95)
