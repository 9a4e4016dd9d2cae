"""By how much the metric may grow where the CPU has room."""

from dataclasses import dataclass

from orchestrators.planners.trivial.settings import Settings


@dataclass(frozen=True)
class Growth:
    """The multiplier of the present metric, and what an administrator should know of it."""

    multiplier: float
    notice: str | None


def growth(mean: float, most: float, theoretical: float, settings: Settings) -> Growth:
    """From the CPU use that was seen, its mean and its maximum, and from the one that 1/throughput foresees (above 0).

    `goal / most`, or `goal / (theory_limit × theoretical)` where that is less use: what is seen beyond it is not the
    models', or their metric is wrong. No use at all is not believed either.
    """
    limit = settings.theory_limit * theoretical
    multiplier = settings.goal / (min(most, limit) if most > 0 else limit)
    foreseen = f"the versions' throughputs foresee {theoretical:.1%} of CPU use at this demand"
    if most == 0:
        return Growth(multiplier, f"{foreseen} and none is seen: check how it is watched")
    if mean > limit:
        return Growth(
            multiplier,
            f"{foreseen} and {mean:.1%} are seen: something else uses the cores, or the profile does not hold; look "
            "for other work, or profile the versions again",
        )
    return Growth(multiplier, None)
