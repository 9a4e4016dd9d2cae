"""Whether the figures that an earlier run has kept are figures that a machine can have measured."""

from collections.abc import Iterator

from profiler.common.errors import BadInputError
from profiler.records.profile import Profile

# Sums, ratios and squares of figures between these bounds are numbers too.
LEAST, MOST = 1e-30, 1e20
# More requests a second than a load generator sends; as many moments are drawn before a load.
MOST_PER_S = 1e8


def check_kept(profile: Profile) -> None:
    """Raises `BadInputError` for a profile with a figure that is out of bounds."""
    for name, value in kept_figures(profile):
        most = MOST_PER_S if name.endswith("_per_s") else MOST
        if value and not LEAST <= abs(value) <= most:
            raise BadInputError(
                f"the profile that is there for target {profile.target_name} has figures that no machine measures "
                f"({name} is {value:.3g}): remove it, and everything is measured again"
            )


def kept_figures(profile: Profile) -> Iterator[tuple[str, float]]:
    """The rates of the references and every number of every point, by the name of the field."""
    for rate in (profile.reference, profile.served_reference):
        yield from numbers("reference", rate and rate.model_dump())
    for point in profile.points():
        for name, value in point.model_dump().items():
            yield from numbers(name, value)


def numbers(name: str, value: object) -> Iterator[tuple[str, float]]:
    """The numbers in a value, also in lists and records within it."""
    if isinstance(value, int | float):
        yield name, value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from numbers(name, one)
    elif isinstance(value, dict):
        for inner, one in value.items():
            yield from numbers(inner, one)
