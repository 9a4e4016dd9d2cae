"""The knapsack against enumeration, and the widths that it gives for a network with stairs."""

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from porting.pruners.knapsack import Choice, best_choices
from porting.pruners.latency_budget import next_narrower, offered, saliency, widened, widths_within
from profiler.common.errors import BadInputError


def random_groups(seed: int) -> list[list[Choice]]:
    generator = np.random.default_rng(seed)
    return [
        [
            Choice(width, float(saliency), float(us))
            for width, (saliency, us) in enumerate(
                zip(generator.uniform(size=4), generator.uniform(size=4), strict=True)
            )
        ]
        for _ in range(5)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_other_choice_within_the_budget_keeps_more(seed: int) -> None:
    groups = random_groups(seed)
    budget = 2.0
    chosen = best_choices(groups, budget)
    assert chosen is not None
    assert sum(one.us for one in chosen) <= budget
    # Costs are rounded up to parts of the budget: what fits with half a percent to spare is found.
    others = [all_of for all_of in itertools.product(*groups) if sum(one.us for one in all_of) <= 0.995 * budget]
    best = max(sum(one.saliency for one in all_of) for all_of in others)
    assert sum(one.saliency for one in chosen) >= best - 1e-9


def test_costs_are_rounded_up_so_that_no_choice_is_over_the_budget() -> None:
    # A hundredth of a part too much for the wide one beside the other group.
    narrow, wide, other = Choice(1, 1.0, 0.1), Choice(2, 5.0, 0.7), Choice(1, 3.0, 0.300002)
    assert best_choices([[narrow, wide], [other]], 1.0) == [narrow, other]
    assert best_choices([[other], [narrow, wide]], 1.0) == [other, narrow]


def test_what_costs_the_whole_budget_fits() -> None:
    assert best_choices([[Choice(1, 1.0, 2.0)]], 2.0) == [Choice(1, 1.0, 2.0)]


def test_a_budget_that_nothing_fits_gives_nothing() -> None:
    assert best_choices([[Choice(4, 1.0, 3.0)]], 2.0) is None


def test_without_a_budget_only_what_costs_nothing_is_taken() -> None:
    chosen = best_choices([[Choice(4, 1.0, 0.0), Choice(8, 2.0, 1.0)]], 0.0)
    assert chosen == [Choice(4, 1.0, 0.0)]


class Chain:
    """Layers in a row, the first of 3 channels and the last of 10, each as quick as one of whole `blocks`."""

    def __init__(self, block: int) -> None:
        self.block = block

    def layers(self, widths: Sequence[int]) -> list[float]:
        wide = [3, *(self.block * math.ceil(width / self.block) for width in widths), 10]
        return [float(before * after) for before, after in itertools.pairwise(wide)]

    def us(self, widths: Sequence[int]) -> float:
        return sum(self.layers(widths))

    def around_us(self, group: int, widths: Sequence[int]) -> float:
        return sum(self.layers(widths)[group : group + 2])


STAIRS = Chain(16)


def scores(seed: int, widths: tuple[int, ...]) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.exponential(size=width) * generator.uniform(0.2, 5) for width in widths]


def test_only_the_widest_of_equally_quick_widths_are_offered() -> None:
    assert offered(STAIRS, [64, 32], 4) == [[16, 32, 48, 64], [16, 32]]


def test_a_narrow_part_of_a_wide_network_is_narrowed_though_it_saves_little_of_the_whole() -> None:
    full = [16, 512, 512, 16]
    assert STAIRS.us(full) - STAIRS.us([16, 512, 512, 8]) < 0.03 * STAIRS.us(full)
    assert offered(Chain(8), full, 8)[3] == [8, 16]


@pytest.mark.parametrize("share", [0.8, 0.5, 0.2])
def test_the_widths_are_within_the_budget_and_close_to_the_best(share: float) -> None:
    full = (64, 48, 80)
    found_scores = scores(0, full)
    budget = share * STAIRS.us(list(full))
    found = widths_within(found_scores, STAIRS, budget, 4)
    assert STAIRS.us(found) <= budget
    assert all(width % 16 == 0 for width in found)

    def kept(widths: Iterable[int]) -> float:
        return sum(float(saliency(one)[width]) for one, width in zip(found_scores, widths, strict=True))

    every = itertools.product(*(range(16, width + 1, 16) for width in full))
    best = max(kept(widths) for widths in every if STAIRS.us(list(widths)) <= budget)
    assert kept(found) >= 0.97 * best


def test_channels_that_go_together_cost_as_much_as_if_they_did_the_same() -> None:
    assert saliency(np.array([4.0, 1.0, 9.0])).tolist() == [0, 36 - 9, 36 - 1, 36]


def test_layers_that_are_alike_are_narrowed_alike() -> None:
    class Alike:
        def us(self, widths: Sequence[int]) -> float:
            return float(sum(widths))

        def around_us(self, group: int, widths: Sequence[int]) -> float:
            return float(widths[group])

    assert widths_within([np.ones(32)] * 3, Alike(), 48.0, 4) == [16, 16, 16]


def test_where_channels_are_worth_the_same_the_dearest_layer_is_narrowed() -> None:
    equal = [np.ones(32), np.ones(32)]
    assert widths_within(equal, FirstIsDear(), 200.0, 4) == [16, 32]


def test_a_budget_below_the_smallest_network_says_how_far_one_gets() -> None:
    with pytest.raises(BadInputError, match=r"cannot be reached .* the smallest network takes 720 of 9024 µs"):
        widths_within(scores(0, (64, 64, 64)), STAIRS, 100.0, 4)


def test_a_budget_that_is_the_smallest_network_s_but_for_rounding_gives_that_network() -> None:
    full = (64, 48, 80)
    smallest = STAIRS.us([16, 16, 16])
    found = widths_within(scores(0, full), STAIRS, smallest * (1 - 1e-15), 4)
    assert found == [16, 16, 16]


def test_a_budget_of_the_whole_network_prunes_nothing() -> None:
    full = (64, 48, 80)
    assert widths_within(scores(0, full), STAIRS, STAIRS.us(list(full)), 4) == list(full)


def test_a_budget_that_falls_in_steps_keeps_more_than_one_that_falls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    widths, cost = (64, 48, 64, 32), Chain(1)
    budget_us = 0.3 * cost.us(widths)

    def kept(seed: int) -> float:
        found = scores(seed, widths)
        chosen = widths_within(found, cost, budget_us, 4)
        return sum(float(saliency(one)[width]) for one, width in zip(found, chosen, strict=True))

    in_steps = [kept(seed) for seed in range(12)]
    monkeypatch.setattr("porting.pruners.latency_budget.STEPS", 1)
    at_once = [kept(seed) for seed in range(12)]
    # Seldom a step leads astray.
    assert np.mean(np.divide(in_steps, at_once)) > 1.0005


class FirstIsDear:
    """A network that takes 10 µs for each channel of its first group and 1 µs for each of its second."""

    def us(self, widths: Sequence[int]) -> float:
        return 10.0 * widths[0] + 1.0 * widths[1]

    def around_us(self, group: int, widths: Sequence[int]) -> float:
        return (10.0, 1.0)[group] * widths[group]


class Sum:
    """A network that takes one µs for each channel."""

    def us(self, widths: Sequence[int]) -> float:
        return float(sum(widths))

    def around_us(self, group: int, widths: Sequence[int]) -> float:
        return float(widths[group])


EDGES = [[4, 8], [4, 8]]
# The saliency that the best channels of each group keep: the second group's channels are worth more.
KEPT = [np.linspace(0, 1, 9), np.linspace(0, 5, 9)]


def test_the_group_that_loses_the_least_saliency_for_its_time_becomes_narrower() -> None:
    assert list(next_narrower([8, 8], EDGES, KEPT, Sum())) == [4, 8]


def test_the_rest_of_a_budget_goes_to_the_group_that_gains_the_most_saliency_for_its_time() -> None:
    assert list(widened([4, 4], EDGES, KEPT, Sum(), 12.0)) == [4, 8]


def test_a_dear_group_that_gains_more_saliency_but_less_for_its_time_stays_narrow() -> None:
    assert list(widened([4, 4], EDGES, KEPT[::-1], FirstIsDear(), 84.0)) == [4, 8]
