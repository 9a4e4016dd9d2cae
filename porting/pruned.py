"""Pruned networks among others: which of them compete, and which are only steps on the way."""

from collections.abc import Sequence

from porting.records import Variant


def rivals(variant: Variant, pool: Sequence[Variant]) -> list[Variant]:
    """All that were pruned from the same network for the same aim, the variant itself among them."""
    return [one for one in pool if one.stage == "prune" and one.parent == variant.parent and same_aim(one, variant)]


def same_aim(one: Variant, other: Variant) -> bool:
    if one.pruning is None or other.pruning is None:
        return False
    return (one.pruning.aim, one.pruning.asked) == (other.pruning.aim, other.pruning.asked)


def is_beaten(variant: Variant, pool: Sequence[Variant]) -> bool:
    """Whether a rival is more accurate before tuning."""
    best = max(rivals(variant, pool), key=accuracy_before_tuning, default=variant)
    return best.name != variant.name


def accuracy_before_tuning(variant: Variant) -> float:
    return variant.pruning.validation_accuracy if variant.pruning else 0.0


def is_superseded(variant: Variant, pool: Sequence[Variant], only_best: bool) -> bool:
    """Whether it has a fine-tuned successor, or where `only_best` are tuned the rival has that beat it."""
    if variant.stage != "prune":
        return False
    tuned = {one.parent for one in pool if one.stage == "finetune"}
    beaten = only_best and is_beaten(variant, pool)
    return variant.name in tuned or (beaten and any(one.name in tuned for one in rivals(variant, pool)))
