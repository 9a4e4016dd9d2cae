"""The demand for each task, from a server's own counts."""

from collections import deque
from collections.abc import Mapping

import numpy as np

# No forecast looks back farther.
KEPT_S = 300


class Demand:
    """Requests/s by task, one figure for each look; those of the last looks are kept.

    `fell` says whether a count is lower than at the look before: another network counts, and nobody has said so.
    """

    def __init__(self, tasks: list[str]) -> None:
        self._counted: dict[str, tuple[float, int]] = {}
        self._recent: dict[str, deque[float]] = {task: deque(maxlen=KEPT_S) for task in tasks}
        self.fell = False

    def look(self, moment_s: float, counts: Mapping[str, int]) -> dict[str, float]:
        """The rates since the look before, from the counts at this moment of a monotonic clock.

        Counts start anew with the network that counts, from the requests that warmed it up. So there is no rate where a
        count fell, is the first, or is the first since `replaced`: the rate before stands for it, or 0.
        """
        found, self.fell = {}, False
        for task, recent in self._recent.items():
            if (rate_rps := self._rate(task, moment_s, counts.get(task))) is not None:
                recent.append(rate_rps)
            found[task] = recent[-1] if recent else 0.0
        return found

    def replaced(self, task: str) -> None:
        """Another network counts from now on."""
        self._counted.pop(task, None)

    def seen(self) -> dict[str, np.ndarray]:
        """The rates of the last looks that gave one, the latest last, (looks,)."""
        return {task: np.array(recent, dtype=float) for task, recent in self._recent.items()}

    def _rate(self, task: str, moment_s: float, count: int | None) -> float | None:
        before = self._counted.pop(task, None)
        if count is None:
            return None
        self._counted[task] = moment_s, count
        self.fell |= before is not None and count < before[1]
        if before is None or count < before[1] or moment_s <= before[0]:
            return None
        return (count - before[1]) / (moment_s - before[0])
