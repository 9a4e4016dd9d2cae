"""The outcome of a live run: lateness, losses, accuracy and CPU, in all, outside stalls, and during switches."""

from collections import Counter
from collections.abc import Callable

import numpy as np
from pydantic import Field

from orchestrators.live.run import WRONG, Requests, Run, touched
from orchestrators.simulation.result import Answers, Figures, figures
from profiler.records.base import Record, Value

# A request that left later than this share of the deadline was delayed by the client.
LATE_SEND_PART = 0.1
NO_CPU = "the journal has no second of it"
# Which requests of a task count, as booleans (requests,).
Choice = Callable[[Requests], np.ndarray]


class Delivered(Figures):
    """The figures of a live task, or of all tasks: `answered` counts right answers only, `wrong` the others.

    `late_share` is the share of the requests without a right answer by the deadline: late, lost or wrong.
    `normalised_accuracy` is the accuracy over that of the task's most accurate variant; for all tasks the mean.
    """

    wrong: int = Field(ge=0)
    late_share: float | None = Field(ge=0, le=1)
    normalised_accuracy: float | None = Field(ge=0)


def delivered(found: Figures, wrong: int, normalised_accuracy: float | None) -> Delivered:
    """The figures with a figure for wrong answers, which a simulation counts as lost."""
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


class Part(Record):
    """The figures of some requests of a run, and the mean CPU share of its servers during them."""

    all_tasks: Delivered
    tasks: dict[str, Delivered]
    cpu_share: float | None = Field(ge=0, le=1)


class Outcome(Value):
    """The figures of a run of `seconds`.

    `late_sends` counts requests that left more than a tenth of the deadline after their scheduled moment.
    `outside_stalls` leaves out every request with a stall of the machine between its moment and its deadline, and the
    CPU use of those seconds. `during_switches` has the requests that were unanswered while a network was replaced.
    """

    name: str
    seconds: int = Field(ge=1)
    deadline_ms: float = Field(gt=0)
    late_sends: int = Field(ge=0)
    stalled_seconds: int = Field(ge=0)
    switches: int = Field(ge=0)
    failed_switches: int = Field(ge=0)
    whole: Part
    outside_stalls: Part
    during_switches: Part


def outcome(run: Run) -> Outcome:
    """The figures of a run."""
    failed, deadline_s = sum(one.error is not None for one in run.switches), run.deadline_ms / 1e3
    delays_s = [one.sent_s - one.scheduled_s for one in run.traffic.tasks.values()]

    def without_stall(requests: Requests) -> np.ndarray:
        return ~touched(requests.scheduled_s, requests.scheduled_s + deadline_s, run.stalled)

    def in_switch(requests: Requests) -> np.ndarray:
        # A lost request counts as unanswered until its deadline.
        unanswered_s = np.where(np.isnan(requests.latency_s), deadline_s, requests.latency_s)
        return touched(requests.scheduled_s, requests.scheduled_s + unanswered_s, run.switching)

    return Outcome(
        name=run.name,
        seconds=run.traffic.seconds,
        deadline_ms=run.deadline_ms,
        late_sends=sum(int((one > LATE_SEND_PART * deadline_s).sum()) for one in delays_s),
        stalled_seconds=len(run.stalled),
        switches=len(run.switches) - failed,
        failed_switches=failed,
        whole=part(run, lambda requests: np.ones(len(requests.scheduled_s), dtype=bool), np.ones_like),
        outside_stalls=part(run, without_stall, lambda end_s: ~touched(end_s - 1, end_s, run.stalled)),
        during_switches=part(run, in_switch, lambda end_s: touched(end_s - 1, end_s, run.switching)),
    )


def part(run: Run, chosen: Choice, seconds: Callable[[np.ndarray], np.ndarray]) -> Part:
    """The figures of the chosen requests and seconds; `seconds` chooses by the ends of seconds, (seconds,)."""
    answers, tasks = {}, {}
    switches = Counter(one.task for one in run.switches if one.error is None)
    for task, requests in run.traffic.tasks.items():
        mask = chosen(requests)
        found = answers[task] = answers_of(requests, mask, run)
        wrong = int((requests.answer[mask] == WRONG).sum())
        tasks[task] = delivered(figures([found], switches[task]), wrong, normalised(found, run, requests.variants))
    shares = [one.normalised_accuracy for one in tasks.values() if one.normalised_accuracy is not None]
    mean, cpu = float(np.mean(shares)) if shares else None, cpu_share(run, seconds)
    together = figures(list(answers.values()), sum(switches[task] for task in tasks))
    return Part(
        all_tasks=delivered(together, sum(one.wrong for one in tasks.values()), mean),
        tasks=tasks,
        cpu_share=cpu,
        reasons={} if cpu is not None else {"cpu_share": NO_CPU},
    )


def cpu_share(run: Run, chosen: Callable[[np.ndarray], np.ndarray]) -> float | None:
    """The mean CPU share over servers and chosen seconds; `None` without any second."""
    end_s = np.array([one.moment_s - run.traffic.start_s for one in run.watched])
    shares = np.array([one.cpu_share for one in run.watched])[np.asarray(chosen(end_s), dtype=bool)]
    return float(shares.mean()) if len(shares) else None
