"""The search for the share of latency that gives a wanted throughput: try, measure, correct."""

from collections.abc import Callable
from dataclasses import dataclass

from profiler.common.errors import BadInputError

TOLERANCE, MOST_TRIES = 0.05, 8
# Shares that differ by less give the same network.
SAME_SHARE = 0.003


@dataclass(frozen=True)
class Try:
    """A network with `share` of the kernel time of the unpruned one, and its measured throughput."""

    share: float
    images_per_s: float

    def off(self, wanted: float) -> float:
        """The relative difference from the wanted throughput."""
        return abs(self.images_per_s / wanted - 1)


def search(
    measure: Callable[[float], float], whole: Try, wanted: float, least_share: float, most_share: float = 1.0
) -> list[Try]:
    """The tries until one is within 5 % of `wanted` images/s, none is left, or `MOST_TRIES` are made; the best is last.

    `measure` prunes to a share and returns the throughput. Shares lie between `least_share` and `most_share`, the share
    of the network that pruning starts from. The time for an image is about linear in the share, so that each try
    interpolates between the two nearest measured points. Raises `BadInputError` where even the smallest network is too
    slow.
    """
    tries: list[Try] = []
    share = min(most_share, max(least_share, whole.share * whole.images_per_s / wanted))
    while len(tries) < MOST_TRIES and all(abs(one.share - share) > SAME_SHARE for one in tries):
        tries.append(Try(share, measure(share)))
        if tries[-1].off(wanted) <= TOLERANCE:
            break
        share = min(most_share, max(least_share, next_share([whole, *tries], wanted)))
    best = min(tries, key=lambda one: one.off(wanted))
    smallest = min(tries, key=lambda one: one.share)
    if best.off(wanted) > TOLERANCE and smallest.images_per_s < wanted and smallest.share <= least_share:
        raise BadInputError(
            f"{wanted:,.0f} images/s cannot be reached by pruning: the smallest network gives "
            f"{smallest.images_per_s:,.0f}, {smallest.images_per_s / whole.images_per_s:.2f} times the "
            "throughput of the unpruned network: ask for less"
        )
    return [*(one for one in tries if one is not best), best]


def next_share(known: list[Try], wanted: float) -> float:
    """The share at which the line through two networks meets the wanted time for an image.

    The two networks are the nearest slower and the nearest faster one. While all networks are slower, the two are the
    unpruned and the smallest one, and the share is at least half of the share of the smallest one.
    """
    slower = sorted((one for one in known if one.images_per_s < wanted), key=lambda one: one.share)
    quicker = [one for one in known if one.images_per_s >= wanted]
    if quicker:
        narrow, wide = max(quicker, key=lambda one: one.share), slower[0]
        least = min(narrow.share, wide.share)
    else:
        narrow, wide = slower[0], slower[-1]
        least = narrow.share / 2
    times = [1 / one.images_per_s for one in (narrow, wide)]
    if times[1] <= times[0] or narrow.share >= wide.share:
        return (least + max(narrow.share, wide.share)) / 2 if quicker else least
    slope = (wide.share - narrow.share) / (times[1] - times[0])
    return max(least, narrow.share + (1 / wanted - times[0]) * slope)
