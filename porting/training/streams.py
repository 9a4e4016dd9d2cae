"""The streams of random numbers of a training: each seed and each epoch has its own."""

import random

import numpy as np
import torch
from lightning import seed_everything


def seeded(seed: int, *place: int) -> None:
    """Seeds the random numbers of all libraries: with `seed`, or at a place with the stream of seed and place.

    A sum of seed and epoch would give epoch 1 of seed 0 the stream of epoch 0 of seed 1.
    """
    if not place:
        seed_everything(seed, workers=True, verbose=False)
        return
    words = stream(seed, *place)
    whole = words[0] | words[1] << 32
    # Lightning takes 32 bits only, of which two streams of many may be equal.
    seed_everything(words[0], workers=True, verbose=False)
    random.seed(whole)
    np.random.seed(words)
    torch.manual_seed(whole)


def stream(seed: int, *place: int) -> tuple[int, ...]:
    """Four words of 32 bits that seed a stream, independent for every seed and place."""
    return tuple(int(word) for word in np.random.SeedSequence(seed, spawn_key=place).generate_state(4))
