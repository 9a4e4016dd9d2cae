"""The results of a live task, in the figures of a simulation."""

import numpy as np
from pydantic import Field

from orchestrators.live.requests import Requests
from orchestrators.live.run import Run
from orchestrators.simulation.result import Answers, Figures


class Delivered(Figures):
    """The figures of a live task, or of all tasks: `answered` counts right answers only, `wrong` the others.

    `late_share` is the share of the requests without a right answer by the deadline: late, lost or wrong.
    `normalised_accuracy` is the accuracy over that of the task's most accurate variant; for all tasks the mean.
    """

    wrong: int = Field(ge=0)
    late_share: float | None = Field(ge=0, le=1)
    normalised_accuracy: float | None = Field(ge=0)


def delivered(found: Figures, wrong: int, normalised_accuracy: float | None) -> Delivered:
    """The figures with wrong answers apart, which a simulation counts as lost."""
    late_share = None if found.in_time_share is None else 1 - found.in_time_share
    new = {"late_share": late_share, "normalised_accuracy": normalised_accuracy}
    why = "nothing was answered" if found.sent else "nothing was sent"
    reasons = found.reasons | {name: why for name, value in new.items() if value is None}
    return Delivered.model_validate(
        found.model_dump() | new | {"lost": found.lost - wrong, "wrong": wrong, "reasons": reasons}
    )


def answers_of(requests: Requests, mask: np.ndarray, run: Run) -> Answers:
    """The right answers to the chosen requests, as the simulator counts them."""
    found = Answers(requests.scheduled_s[mask], run.deadline_ms)
    answer, ended_s = requests.answer[mask], (requests.scheduled_s + requests.latency_s)[mask]
    for place, variant in enumerate(requests.variants):
        mine = np.flatnonzero(answer == place)
        found.add(mine, ended_s[mine], run.accuracy[variant])
    return found


def normalised(found: Answers, run: Run, variants: tuple[str, ...]) -> float | None:
    """The mean accuracy of the answers over that of the best variant."""
    answered = np.isfinite(found.latency_s)
    best = max((run.accuracy[variant] for variant in variants), default=0.0)
    return float(found.accuracy[answered].mean()) / best if answered.any() and best else None
