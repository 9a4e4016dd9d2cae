"""Made-up live runs of two tasks, second by second as one says."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from orchestrators.live.journal import Second, Switched
from orchestrators.live.run import LOST, WRONG, Requests, Run, Traffic
from orchestrators.live.stalls import Stall

START_S = 1_700_000_000.0
DIGITS, BEES = ("digits-large-0000000a", "digits-small-0000000c"), ("bees-large-0000001a", "bees-small-0000001c")
ACCURACY = {DIGITS[0]: 0.9, DIGITS[1]: 0.6, BEES[0]: 0.8, BEES[1]: 0.4}
SERVER = "127.0.0.1:8001"
# Of a request: the moment for which it was scheduled, its latency, and who answered.
Told = tuple[float, float, int]


def requests(variants: tuple[str, ...], told: Sequence[Told]) -> Requests:
    """Requests, of which those without an answer have no latency, and a reason."""
    scheduled_s, latency_s, answer = (np.array(column) for column in zip(*told, strict=True))
    why = {place: "it died" if one == LOST else "it lied" for place, one in enumerate(answer.tolist()) if one < 0}
    latency_s = np.where(answer == LOST, np.nan, latency_s)
    return Requests(variants, scheduled_s, scheduled_s + 1e-3, latency_s, answer, why)


def second(number: int, cpu_share: float, server: str = SERVER) -> Second:
    """What was seen at the end of the second of that number."""
    return Second(
        moment_s=START_S + number + 1, server=server, cpu_share=cpu_share, demand_rps={}, versions={}, rule="hold",
        reason="nothing to do",
    )  # fmt: skip


def switched(began_s: float, ended_s: float, **changes: Any) -> Switched:
    usual: dict[str, Any] = {"server": SERVER, "task": "digits", "before": DIGITS[0], "after": DIGITS[1]}
    return Switched(began_s=START_S + began_s, ended_s=START_S + ended_s, **usual | changes)


def made_run(**changes: Any) -> Run:
    """Ten seconds of `digits` and `bees`, with a switch of the former in second 4 and a stall in second 7."""
    digits = [(0.5, 0.1, 0), (2.5, 0.1, 0), (4.1, 0.9, 0), (6.5, 0.1, 1), (7.5, 0.8, 1), (8.5, 0, LOST), (9.5, 0.1, 1)]
    bees = [(1.5, 0.1, 0), (3.5, 0.2, WRONG), (7.2, 0.5, 0), (9.2, 0.1, 0)]
    usual: dict[str, Any] = {
        "name": "a policy",
        "traffic": Traffic(START_S, {"digits": requests(DIGITS, digits), "bees": requests(BEES, bees)}),
        "seconds": [second(number, 0.9 if number == 7 else 0.5) for number in range(-1, 12)],
        "switched": [switched(4.2, 4.6)],
        "stalls": [Stall(second=int(START_S) + 7, held_s=0.3, stolen_s=0)],
        "accuracy": ACCURACY,
        "deadline_ms": 400.0,
    }
    return Run(**usual | changes)
