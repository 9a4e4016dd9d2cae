"""Random candidates for a frontier: equal values meet, some intervals and some figures are unknown."""

import numpy as np

from porting.repository.schema import Accuracy, Figure
from porting.repository.standing import Candidate

CROWD = 14


def candidates(generator: np.random.Generator, metrics: tuple[str, ...]) -> list[Candidate]:
    """On a coarse grid; evaluated on one of two data sets."""
    found = []
    for n in range(CROWD):
        figures = {name: figure(*generator.integers([1, 0, 0], [9, 4, 8]).tolist()) for name in metrics}
        known = {name: one for name, one in figures.items() if one is not None}
        data = f"{generator.integers(2):064x}"
        accuracy = Accuracy(dataset="d", dataset_sha256=data, split="val", n=1, value=0, low=0, high=1)
        found.append(Candidate(f"v{n}", accuracy, known))
    return found


def figure(value: int, half: int, kind: int) -> Figure | None:
    ends = float(value - half), float(value + half)
    return {0: None, 1: (float(value), None, None), 2: (float(value), None, ends[1])}.get(kind, (float(value), *ends))
