"""The clients of a live run: an open loop that sends the requests of every task at their scheduled moments.

Failed requests and wrong answers are recorded, and the load continues.
"""

from collections.abc import Mapping

import numpy as np

from orchestrators.live.clock import unix_s
from orchestrators.live.expected_answers import ExpectedAnswers
from orchestrators.live.run import LOST, WRONG, Requests, Traffic
from profiler.common.errors import BadInputError, ServerError
from profiler.load_generator.open_loop import LEAD_S, OpenLoop, OpenRun
from profiler.runtimes.kserve.channel import Channel
from profiler.runtimes.kserve.grpc import framed
from profiler.runtimes.kserve.message import METHOD, Outputs, request
from profiler.runtimes.kserve.model import V2Call
from profiler.runtimes.served import OnAnswer

# The longest time that a client waits for an answer.
ANSWER_LIMIT_S = 30.0


def send(endpoint: str, schedules: Mapping[str, np.ndarray], expected: Mapping[str, ExpectedAnswers]) -> Traffic:
    """Sends all requests to `endpoint` (HOST:PORT), a server or a proxy; returns when each is answered or lost.

    `schedules` has the sorted moments in s of each task, as in `orchestrators.load`, from one common start.
    """
    if odd := sorted(set(schedules) ^ set(expected)):
        raise BadInputError(f"{', '.join(odd)}: a task needs a schedule and its expected answers, both")
    channel = Channel(endpoint, METHOD, ANSWER_LIMIT_S)
    clients = {task: Client(channel, task, expected[task], len(moments)) for task, moments in schedules.items()}
    together = AllClients(clients, schedules)
    loop = OpenLoop(together.submit, together.judge, len(together.moments_s) + 1, drain_s=ANSWER_LIMIT_S)
    try:
        start_s = unix_s() + LEAD_S
        run = loop.run(together.moments_s)
    finally:
        channel.close()
    return Traffic(start_s, {task: client.requests(*together.own(run, task)) for task, client in clients.items()})


class Client:
    """The client of one task: it sends the pictures in turn, and notes which variant answered."""

    def __init__(self, channel: Channel, task: str, expected: ExpectedAnswers, requests: int) -> None:
        self._expected, self._pictures = expected, len(expected.pictures)
        self._answer = np.full(requests, LOST)
        self._why: dict[int, str] = {}
        # One `Outputs` for each picture, as it remembers only the last answer.
        self._calls = [
            V2Call(
                channel,
                framed(request(task, expected.input_name, expected.pictures[place : place + 1])),
                Outputs(expected.output_name),
            )
            for place in range(self._pictures)
        ]

    def submit(self, place: int, on_answer: OnAnswer) -> None:
        """Sends the task's request number `place`."""
        self._calls[place % self._pictures].send(on_answer)

    def judge(self, place: int, answer: np.ndarray | ServerError) -> bool:
        """Notes the variant that answered; returns whether there was an answer, right or wrong."""
        if isinstance(answer, ServerError):
            self._why[place] = str(answer)
            return False
        try:
            self._answer[place] = self._expected.variant_of(place % self._pictures, answer)
        except ServerError as error:
            self._answer[place], self._why[place] = WRONG, str(error)
        return True

    def requests(self, scheduled_s: np.ndarray, sent_s: np.ndarray, answered_s: np.ndarray) -> Requests:
        """The requests with their answers; a request without an answer within the run counts as lost."""
        lost = np.isnan(answered_s)
        unexplained = dict.fromkeys(np.flatnonzero(lost).tolist(), f"no answer within {ANSWER_LIMIT_S:g} s")
        answer = np.where(lost, LOST, self._answer)
        why = {**unexplained, **self._why}
        return Requests(self._expected.variants, scheduled_s, sent_s, answered_s - scheduled_s, answer, why)


class AllClients:
    """The clients of all tasks as one open loop, with the task of each request and its index among that task's."""

    def __init__(self, clients: Mapping[str, Client], schedules: Mapping[str, np.ndarray]) -> None:
        self._clients = clients
        counts = [len(schedules[task]) for task in clients]
        moments_s = np.concatenate([np.zeros(0), *(schedules[task] for task in clients)])
        order = np.argsort(moments_s, kind="stable")
        indices = np.concatenate([np.zeros(0, np.int64), *map(np.arange, counts)])[order]
        self.moments_s, self._tasks = moments_s[order], np.repeat(list(clients), counts)[order]
        self._owners = list(zip(self._tasks.tolist(), indices.tolist(), strict=True))
        self._next = 0

    def submit(self, on_answer: OnAnswer) -> None:
        """Sends the next request of the schedule."""
        task, place = self._owners[self._next]
        self._next += 1
        self._clients[task].submit(place, on_answer)

    def judge(self, index: int, answer: np.ndarray | ServerError) -> bool:
        """See `Client.judge`; `index` counts the requests of all tasks."""
        task, place = self._owners[index]
        return self._clients[task].judge(place, answer)

    def own(self, run: OpenRun, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scheduled, sent and answered moments of a task's requests."""
        mine = self._tasks == task
        return run.scheduled_s[mine], run.sent_s[mine], run.answered_s[mine]
