"""Requests by a schedule: when they are sent, from when their latency counts, and the outcome of lost ones."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from profiler.common.errors import ServerError
from profiler.load_generator.open_loop import OpenLoop, expecting
from profiler.load_generator.single_requests import submitting
from profiler.runtimes.own_process import InProcess
from profiler.runtimes.served import Expectation, OnAnswer

pytestmark = pytest.mark.alone

BLOCK_S = 0.2


@pytest.fixture
def expectation(network: Path) -> Expectation:
    return Expectation(network, largest_batch=1)


@pytest.fixture
def right(network: Path, expectation: Expectation) -> np.ndarray:
    """The right answer."""
    return InProcess(network, threads=1).prepare(expectation.images(1))()


def evenly(rate_per_s: float, seconds: float) -> np.ndarray:
    """Moments of a steady rate within `seconds`."""
    return np.arange(round(rate_per_s * seconds)) / rate_per_s


def loop(submit: Callable[[OnAnswer], None], expectation: Expectation, max_backlog: int = 10_000) -> OpenLoop:
    return OpenLoop(submit, expecting(expectation), max_backlog, drain_s=1.0)


def test_no_request_leaves_before_its_moment(expectation: Expectation, right: np.ndarray) -> None:
    run = loop(lambda on_answer: on_answer(right), expectation).run(evenly(500, 0.3))
    assert run.answered == 150
    assert np.all(run.sent_s >= run.scheduled_s)
    assert np.all(run.answered_s >= run.sent_s)


def test_requests_leave_while_earlier_ones_are_unanswered(expectation: Expectation, right: np.ndarray) -> None:
    waiting: list[OnAnswer] = []

    def submit(on_answer: OnAnswer) -> None:
        waiting.append(on_answer)
        if len(waiting) == 50:
            for one in waiting:
                one(right)

    run = loop(submit, expectation).run(evenly(500, 0.1))
    assert run.answered == 50
    assert np.all(run.answered_s >= run.sent_s[-1])


def test_latency_counts_from_the_schedule_where_the_sender_was_held_up(
    expectation: Expectation, right: np.ndarray
) -> None:
    sent = 0

    def submit(on_answer: OnAnswer) -> None:
        nonlocal sent
        sent += 1
        if sent == 1:
            time.sleep(BLOCK_S)
        on_answer(right)

    run = loop(submit, expectation).run(evenly(200, 0.4))
    freed_s = run.sent_s[0] + BLOCK_S
    held = run.scheduled_s < freed_s
    assert held.sum() > 20
    assert np.all(run.latencies_s[held] >= freed_s - run.scheduled_s[held])
    assert run.late_sends(BLOCK_S / 2) >= (run.scheduled_s[1:] < freed_s - BLOCK_S / 2).sum()


def test_a_server_that_never_answers_costs_the_wait_and_no_more(expectation: Expectation) -> None:
    run = loop(lambda on_answer: None, expectation).run(evenly(200, 0.1))
    assert (run.answered, run.unsent) == (0, 0)
    assert np.all(np.isnan(run.latencies_s))
    assert run.in_time(3600.0) == 0


def test_what_is_answered_too_late_is_lost(expectation: Expectation, right: np.ndarray) -> None:
    late: list[OnAnswer] = []

    def submit(on_answer: OnAnswer) -> None:
        on_answer(right) if not late else None
        late.append(on_answer)

    run = loop(submit, expectation).run(evenly(200, 0.1))
    late[1](right)
    assert run.answered == 1


def test_a_hopeless_backlog_is_not_added_to(expectation: Expectation) -> None:
    waiting: list[OnAnswer] = []
    run = loop(waiting.append, expectation, max_backlog=5).run(evenly(200, 0.1))
    assert len(waiting) == 5
    assert run.unsent == 15


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (np.zeros((1, 3), np.float32) + 9, "differ"),
        (np.zeros((0, 3), np.float32), "shape"),
        (ServerError("it died"), "it died"),
    ],
)
def test_what_is_no_right_answer_ends_the_load(
    expectation: Expectation, answer: np.ndarray | ServerError, why: str
) -> None:
    sent: list[OnAnswer] = []

    def submit(on_answer: OnAnswer) -> None:
        sent.append(on_answer)
        on_answer(answer)

    with pytest.raises(ServerError, match=why):
        loop(submit, expectation).run(evenly(200, 0.1))
    assert len(sent) == 1


def test_a_judge_that_goes_on_says_which_requests_count_as_answered(right: np.ndarray) -> None:
    judged: list[tuple[int, bool]] = []

    def judge(index: int, answer: np.ndarray | ServerError) -> bool:
        judged.append((index, isinstance(answer, ServerError)))
        return not isinstance(answer, ServerError)

    def submit(on_answer: OnAnswer) -> None:
        if len(judged) == 1:
            raise ServerError("nobody listens")
        on_answer(ServerError("it died") if len(judged) == 2 else right)

    run = OpenLoop(submit, judge, max_backlog=10, drain_s=1.0).run(evenly(200, 0.02))
    assert judged == [(0, False), (1, True), (2, True), (3, False)]
    assert np.isfinite(run.latencies_s).tolist() == [True, False, False, True]
    assert run.unsent == 0


def test_a_model_in_this_process_answers_from_as_many_threads_as_it_has_instances(
    network: Path, expectation: Expectation
) -> None:
    model, threads = InProcess(network, threads=1), set()

    class Watched:
        runtime = "watched"

        def prepare(self, images: np.ndarray) -> Callable[[], np.ndarray]:
            call = model.prepare(images)

            def answer() -> np.ndarray:
                threads.add(threading.get_ident())
                time.sleep(0.002)
                return call()

            return answer

        def answers_counted(self) -> None:
            return None

    with submitting(Watched(), expectation.images(1), instances=2, cores=[0]) as submit:
        run = loop(submit, expectation).run(evenly(500, 0.1))
    assert run.answered == 50
    assert len(threads) == 2


def test_a_call_that_fails_in_this_process_is_told(expectation: Expectation) -> None:
    class Broken:
        runtime = "broken"

        def prepare(self, images: np.ndarray) -> Callable[[], np.ndarray]:
            return lambda: np.array(1 / 0)

        def answers_counted(self) -> None:
            return None

    with submitting(Broken(), expectation.images(1), instances=1, cores=[0]) as submit:
        with pytest.raises(ServerError, match="division by zero"):
            loop(submit, expectation).run(evenly(200, 0.1))
