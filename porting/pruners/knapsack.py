"""The widths that keep most saliency within a budget of latency: a multiple-choice knapsack, solved exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# The budget in so many parts; a cost is rounded up to whole ones, so that the sum never exceeds it.
PARTS = 4000


@dataclass(frozen=True)
class Choice:
    """One width of a group: what it keeps of the saliency, and what it costs in µs, at least 0."""

    width: int
    saliency: float
    us: float


def best_choices(groups: Sequence[Sequence[Choice]], budget_us: float) -> list[Choice] | None:
    """One choice a group of the greatest total saliency whose total cost is within the budget; `None` for none.

    The knapsack of HALP (Shen et al., arXiv 2110.10811) with the order of a group's channels built in: its choices are
    prefixes of the channels by saliency.
    """
    parts = PARTS if budget_us > 0 else 0
    unit = budget_us / PARTS if budget_us > 0 else 1.0
    best = np.zeros(parts + 1)
    taken: list[np.ndarray] = []
    for choices in groups:
        totals = np.full((len(choices), parts + 1), -np.inf)
        for place, choice in enumerate(choices):
            cost = int(np.ceil(choice.us / unit - 1e-9)) if choice.us > 0 else 0
            if cost <= parts:
                totals[place, cost:] = best[: parts + 1 - cost] + choice.saliency
        taken.append(totals.argmax(axis=0))
        best = totals.max(axis=0)
    if not np.isfinite(best[parts]):
        return None
    found: list[Choice] = []
    left = parts
    for choices, chosen in zip(reversed(groups), reversed(taken), strict=True):
        choice = choices[chosen[left]]
        found.append(choice)
        left -= int(np.ceil(choice.us / unit - 1e-9)) if choice.us > 0 else 0
    return found[::-1]
