"""The outcome of a live run: lateness, losses, accuracy and CPU, in all, outside stalls, and during switches."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydantic import Field

from orchestrators.live.delivered import Delivered, answers_of, delivered, normalised
from orchestrators.live.requests import WRONG, Requests
from orchestrators.live.run import Run, touched
from orchestrators.simulation.result import figures
from profiler.common.files import write_atomically
from profiler.records.base import Record, Value

# A request that left later than this share of the deadline was delayed by the client.
LATE_SEND_PART = 0.1
NO_CPU = "the journal has no second of it"

# Which requests of a task count, as booleans (requests,).
Choice = Callable[[Requests], np.ndarray]


class Part(Record):
    """The figures of some requests of a run, and the mean CPU share of its servers meanwhile."""

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
    failed = sum(one.error is not None for one in run.switches)
    return Outcome(
        name=run.name,
        seconds=run.traffic.seconds,
        deadline_ms=run.deadline_ms,
        late_sends=sum(late_sends(one, run.deadline_ms) for one in run.traffic.tasks.values()),
        stalled_seconds=len(run.stalled),
        switches=len(run.switches) - failed,
        failed_switches=failed,
        whole=part(run, lambda requests: np.ones(len(requests.scheduled_s), dtype=bool), np.ones_like),
        outside_stalls=part(
            run,
            lambda requests: ~touched(requests.scheduled_s, requests.scheduled_s + run.deadline_ms / 1e3, run.stalled),
            lambda end_s: ~touched(end_s - 1, end_s, run.stalled),
        ),
        during_switches=part(
            run,
            lambda requests: touched(requests.scheduled_s, unanswered_until(requests, run.deadline_ms), run.switching),
            lambda end_s: touched(end_s - 1, end_s, run.switching),
        ),
    )


def write_outcome(path: Path, found: Outcome) -> None:
    """Writes the figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, found.model_dump_json(indent=1) + "\n")


def part(run: Run, chosen: Choice, seconds: Callable[[np.ndarray], np.ndarray]) -> Part:
    """The figures of the chosen requests and seconds; `seconds` chooses by the ends of seconds, (seconds,)."""
    answers, wrong = {}, {}
    for task, requests in run.traffic.tasks.items():
        mask = chosen(requests)
        answers[task] = answers_of(requests, mask, run)
        wrong[task] = int((requests.answer[mask] == WRONG).sum())
    switches = {task: sum(one.task == task and one.error is None for one in run.switches) for task in answers}
    tasks = {
        task: delivered(
            figures([one], switches[task]), wrong[task], normalised(one, run, run.traffic.tasks[task].variants)
        )
        for task, one in answers.items()
    }
    shares = [one.normalised_accuracy for one in tasks.values() if one.normalised_accuracy is not None]
    mean = float(np.mean(shares)) if shares else None
    cpu = cpu_share(run, seconds)
    return Part(
        all_tasks=delivered(figures(list(answers.values()), sum(switches.values())), sum(wrong.values()), mean),
        tasks=tasks,
        cpu_share=cpu,
        reasons={} if cpu is not None else {"cpu_share": NO_CPU},
    )


def unanswered_until(requests: Requests, deadline_ms: float) -> np.ndarray:
    """The moment at which each request was answered, and for a lost one its deadline, (requests,)."""
    return requests.scheduled_s + np.where(np.isnan(requests.latency_s), deadline_ms / 1e3, requests.latency_s)


def late_sends(requests: Requests, deadline_ms: float) -> int:
    """The number of requests that left later than `LATE_SEND_PART` of the deadline after their scheduled moment."""
    return int((requests.sent_s - requests.scheduled_s > LATE_SEND_PART * deadline_ms / 1e3).sum())


def cpu_share(run: Run, chosen: Callable[[np.ndarray], np.ndarray]) -> float | None:
    """The mean CPU share over servers and chosen seconds; `None` without any second."""
    end_s = np.array([one.moment_s - run.traffic.start_s for one in run.watched])
    shares = np.array([one.cpu_share for one in run.watched])[np.asarray(chosen(end_s), dtype=bool)]
    return float(shares.mean()) if len(shares) else None
