"""How INFaaS reads a registration: stanford-mast/INFaaS, src/master/modelreg_server.cc (RegisterModel, compute_linreg).

Lines are read into 255 characters and reading ends at one that does not fit; the first two words of a line count,
and only of keys that are known. Numbers are those at a word's beginning.
"""

import re
from dataclasses import dataclass

from narrowing import known

INTEGERS = {"inputdim": 16, "maxbatch": 16, "compsize": 32}
REALS = ("loadlat", "inflatb1", "inflatb4", "inflatb8", "accuracy", "peakmemory")
WORDS = ("parname", "varname", "dataset", "task", "framework")
BINS = (0.0, 50.0, 70.0, 75.0, 78.0, 100.0)


@dataclass(frozen=True)
class Registration:
    """What INFaaS then knows of a variant; ms, bytes, percent."""

    words: dict[str, str]
    numbers: dict[str, float]
    slope: float
    intercept: float

    @property
    def grandparent(self) -> str:
        return f"{self.words['task']}-{self.words['dataset']}-{self.numbers['inputdim']}"

    @property
    def runs_on_cpu(self) -> bool:
        return self.numbers["maxbatch"] > 64

    def latency_ms(self, batch: int) -> float:
        return self.slope * batch + self.intercept


def register(text: str) -> Registration:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    for line in text.split("\n"):
        if len(line) >= 254:
            break
        key, value = [*line.split(), "", ""][:2]
        if key in WORDS:
            words[key] = value
        elif key in INTEGERS:
            number = int(known(re.match(r"[+-]?\d+", value))[0])
            assert abs(number) < 2 ** (INTEGERS[key] - 1)
            numbers[key] = number
        elif key in REALS:
            numbers[key] = float(known(re.match(r"[+-]?\d+(\.\d*)?", value))[0])
    assert words.keys() == set(WORDS)
    assert numbers.keys() == {*INTEGERS, *REALS}
    assert BINS[0] <= numbers["accuracy"] <= BINS[-1]
    return Registration(words, numbers, *line_through(numbers))


def line_through(numbers: dict[str, float]) -> tuple[float, float]:
    """Slope and intercept of the least squares over batches 1, 4 and 8, as far as the variant takes them."""
    batches = [1] if numbers["maxbatch"] == 1 else [1, 4] if numbers["maxbatch"] < 8 else [1, 4, 8]
    if len(batches) == 1:
        return numbers["inflatb1"], 0.0
    ys = [numbers[f"inflatb{batch}"] for batch in batches]
    n, sx, sy = len(batches), sum(batches), sum(ys)
    sxx, sxy = sum(x * x for x in batches), sum(x * y for x, y in zip(batches, ys, strict=True))
    bottom = n * sxx - sx * sx
    return (n * sxy - sx * sy) / bottom, (sxx * sy - sx * sxy) / bottom
