"""The competition between pruned networks: competitors for one aim, and networks with a tuned successor."""

from collections.abc import Sequence

from porting.common.console import say
from porting.pruners.rate_search import TOLERANCE
from porting.workspace.records import Network, Pruning, Variant
from profiler.common.errors import BadInputError


def competitors(variant: Variant, pool: Sequence[Variant]) -> list[Variant]:
    """The networks that were pruned from the same one for the same aim, with the variant itself."""
    return [
        one
        for one in pool
        if one.stage == "prune"
        and one.parent == variant.parent
        and one.pruning is not None
        and variant.pruning is not None
        and (one.pruning.aim, one.pruning.asked) == (variant.pruning.aim, variant.pruning.asked)
    ]


def best_competitor(variant: Variant, pool: Sequence[Variant]) -> Variant:
    """The most accurate competitor before tuning, which may be the variant itself; of equal ones the last by name.

    The name decides, as the order of a pool differs between runs.
    """
    pairs = [(one.pruning.validation_accuracy, one) for one in competitors(variant, pool) if one.pruning is not None]
    return max(pairs, key=lambda pair: (pair[0], pair[1].name), default=(0.0, variant))[1]


def is_beaten(variant: Variant, pool: Sequence[Variant]) -> bool:
    """Whether a competitor is more accurate before tuning."""
    return best_competitor(variant, pool).name != variant.name


def achieved(pruning: Pruning) -> float | None:
    """The throughput in the unit of the aim: images/s, or the speed-up; `None` for other aims."""
    if pruning.images_per_s is None or pruning.images_per_s_before is None:
        return None
    return pruning.images_per_s / (pruning.images_per_s_before if pruning.aim == "speedup" else 1.0)


def warn_of_shortfall(pruning: Pruning) -> None:
    """Prints a line for a throughput that was not met within the tolerance of the search."""
    got = achieved(pruning)
    if got is not None and pruning.images_per_s is not None and abs(got / pruning.asked - 1) > TOLERANCE:
        say(
            f"prune     {pruning.images_per_s / got * pruning.asked:,.0f} images/s are not met within {TOLERANCE:.0%}: "
            f"the nearest of {pruning.tries} networks gives {pruning.images_per_s:,.0f}"
        )


def is_superseded(variant: Variant, pool: Sequence[Variant], only_best: bool) -> bool:
    """Whether a variant has a fine-tuned successor, or, with `only_best`, the competitor that beat it has one."""
    if variant.stage != "prune":
        return False
    tuned = {one.parent for one in pool if one.stage == "finetune"}
    beaten = only_best and is_beaten(variant, pool)
    return variant.name in tuned or (beaten and any(one.name in tuned for one in competitors(variant, pool)))


def network_of(variant: Variant) -> Network:
    """The torch network of a variant; raises `BadInputError` where it has none."""
    if variant.network is None:
        raise BadInputError(f"{variant.name} has no torch network to prune: import a checkpoint instead")
    return variant.network
