"""The streams of random numbers: no two seeds and epochs share one."""

import random
from itertools import product

import numpy as np
import torch

from porting.training.streams import seeded, stream


def drawn() -> tuple[object, ...]:
    """A draw of each library."""
    return random.random(), np.random.random(), torch.rand(()).item(), torch.initial_seed()  # noqa: S311


def test_no_two_seeds_and_epochs_share_a_stream() -> None:
    places = [*product(range(300), range(100)), *product((2**32, 2**32 + 1, 2**63), range(100))]
    assert len({stream(seed, epoch) for seed, epoch in places}) == len(places)
    # torch has the first two words.
    assert len({stream(seed, epoch)[:2] for seed, epoch in places}) == len(places)


def test_the_next_epoch_of_a_seed_is_no_epoch_of_the_next_seed() -> None:
    found = []
    for seed, epoch in product(range(4), range(4)):
        seeded(seed, epoch)
        found.append((drawn(), tuple(torch.randperm(20).tolist())))
    for library in range(4):
        assert len({draws[library] for draws, _ in found}) == len(found)
    assert len({order for _, order in found}) == len(found)


def test_a_place_has_the_same_numbers_again() -> None:
    seeded(3, 5)
    before = drawn()
    seeded(3)
    assert drawn() != before
    seeded(3, 5)
    assert drawn() == before


def test_the_numbers_after_a_training_are_no_epoch_of_the_next_training() -> None:
    """A training takes its seed from the numbers at its start, which may be those after another training."""
    seeded(0, 3)
    after = torch.initial_seed()
    assert not {stream(after, epoch)[:2] for epoch in range(50)} & {stream(0, epoch)[:2] for epoch in range(50)}
