"""The widths that keep most saliency within a budget of latency: a multiple-choice knapsack, solved exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# The number of parts of the budget. A cost is rounded up to whole parts, so that the sum stays within the budget.
PARTS = 4000


@dataclass(frozen=True)
class Choice:
    """One width of a group, with the saliency that it keeps and its cost in µs, at least 0."""

    width: int
    saliency: float
    us: float


def best_choices(groups: Sequence[Sequence[Choice]], budget_us: float) -> list[Choice] | None:
    """The choices, one for each group, of the greatest total saliency within the budget; `None` where none fits.

    This is the knapsack of HALP (Shen et al., arXiv 2110.10811), where the choices of a group are prefixes of its
    channels in the order of saliency.
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
