"""Traces: how many requests came in each second of some real service, one whole number a line."""

from pathlib import Path

import numpy as np

from orchestrators.load.demand import checked_demand, checked_seconds
from orchestrators.load.lines import malformed, numbered_lines
from profiler.common.errors import BadInputError

DIGITS = 9
VALID = f"the requests of one second as a whole number of at most {DIGITS} digits"


def read_trace(path: str | Path) -> np.ndarray:
    """The demand in a file, one line a second.

    Raises `BadInputError` with file and line for anything else than a whole number, and for a file without lines.
    """
    file = Path(path)
    demand = np.array([requests(file, number, line) for number, line in numbered_lines(file)], dtype=float)
    if not len(demand):
        raise BadInputError(f"{path} is empty: a trace holds one line for each second, {VALID}")
    return demand


def requests(path: Path, number: int, line: str) -> int:
    """What one line says."""
    digits = line.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS):
        raise malformed(path, number, VALID)
    return int(digits)


def random_sample(demand_rps: np.ndarray, seconds: int, seed: int | np.random.SeedSequence) -> np.ndarray:
    """So many consecutive seconds of a demand from a random second on; the same ones for the same seed.

    Raises `BadInputError` where the demand is shorter.
    """
    demand, wanted = checked_demand(demand_rps), checked_seconds(seconds, "a sample")
    if wanted > len(demand):
        raise BadInputError(f"a sample of {wanted} s from a demand of {len(demand)} s: ask for at most {len(demand)} s")
    start = int(np.random.default_rng(seed).integers(len(demand) - wanted, endpoint=True))
    return demand[start : start + wanted]
