"""The demand of each task, from the request counts of a server."""

from collections import deque
from collections.abc import Mapping

import numpy as np

# The longest past that a forecast uses.
KEPT_S = 300


class Demand:
    """Requests/s by task, one figure for each observation; the last `KEPT_S` are kept.

    `fell` says whether a count is lower than before: the network was replaced by something else than the agent.
    """

    def __init__(self, tasks: list[str]) -> None:
        self._counted: dict[str, tuple[float, int]] = {}
        self._recent: dict[str, deque[float]] = {task: deque(maxlen=KEPT_S) for task in tasks}
        self.fell = False

    def look(self, moment_s: float, counts: Mapping[str, int]) -> dict[str, float]:
        """The rates since the last observation, from the counts at `moment_s` of a monotonic clock.

        The count of a new network starts with its warm-up requests. So there is no rate where a count fell, is the
        first, or is the first since `replaced`: the last rate is repeated, or 0.
        """
        found, self.fell = {}, False
        for task, recent in self._recent.items():
            if (rate_rps := self._rate(task, moment_s, counts.get(task))) is not None:
                recent.append(rate_rps)
            found[task] = recent[-1] if recent else 0.0
        return found

    def replaced(self, task: str) -> None:
        """Forgets the count of a task whose network was replaced."""
        self._counted.pop(task, None)

    def seen(self) -> dict[str, np.ndarray]:
        """The known rates by task in order of time, (observations,)."""
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
