"""Clients of tasks: what is kept of every request, whatever the server does."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_live import LARGE, SMALL, TARGET, TASK, VARIANTS, live_items
from servers.short_lived import short_lived_triton, token
from support import SIZE, write_network

from orchestrators.live.catalogue import of
from orchestrators.live.clock import unix_s
from orchestrators.live.expected_answers import ExpectedAnswers
from orchestrators.live.run import LOST, WRONG, Requests, read_traffic, write_traffic
from orchestrators.live.server import LiveServer
from orchestrators.live.traffic import send
from orchestrators.load import constant, poisson_arrivals
from porting.repository import Repository
from porting.repository.publishing.writer import publish
from profiler.common.errors import BadInputError
from profiler.triton.server import free_port

pytestmark = pytest.mark.alone

BEES = {"bees-large-0000001a": (0.9, 60.0, 4.0), "bees-small-0000001c": (0.7, 900.0, 5.0)}
PICTURES = np.random.default_rng(0).standard_normal((3, 1, SIZE, SIZE), dtype=np.float32)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("live")
    items = [*live_items(folder / "digits", VARIANTS), *live_items(folder / "bees", BEES, "bees")]
    return publish(folder / "repository", items)


@pytest.fixture(scope="module")
def known(repository: Repository) -> dict[str, ExpectedAnswers]:
    return {task: ExpectedAnswers.of(repository, task, TARGET, PICTURES) for task in repository.tasks}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with short_lived_triton() as running:
        live = LiveServer(running.endpoint, token)
        yield live
        live.close()


def even(rate_rps: int, seconds: int) -> np.ndarray:
    """A moment in the middle of each of equal gaps."""
    return (np.arange(rate_rps * seconds) + 0.5) / rate_rps


def answered_by(requests: Requests) -> list[str]:
    """Who answered each of them, the lost and the wrong by these words."""
    words = {LOST: "lost", WRONG: "wrong"}
    return [words.get(place) or requests.variants[place] for place in requests.answer.tolist()]


def test_where_nobody_listens_every_request_is_lost_with_the_reason(known: dict[str, ExpectedAnswers]) -> None:
    moments_s = even(50, 1)
    traffic = send(f"127.0.0.1:{free_port()}", {TASK: moments_s}, {TASK: known[TASK]})
    requests = traffic.tasks[TASK]
    assert answered_by(requests) == ["lost"] * 50
    assert len(requests.why) == 50
    assert all("no connection" in why for why in requests.why.values())
    assert np.isnan(requests.latency_s).all()
    assert (requests.sent_s >= requests.scheduled_s).all()


def test_a_task_needs_a_schedule_and_its_answers(known: dict[str, ExpectedAnswers]) -> None:
    with pytest.raises(BadInputError, match="bees: a task needs a schedule and its expected answers"):
        send("127.0.0.1:1", {TASK: np.zeros(1)}, known)


def test_traffic_is_read_back_as_it_was_written(known: dict[str, ExpectedAnswers], tmp_path: Path) -> None:
    moments_s = even(5, 1)
    traffic = send(f"127.0.0.1:{free_port()}", dict.fromkeys(known, moments_s), known)
    write_traffic(tmp_path / "run" / "requests.npz", traffic)
    back = read_traffic(tmp_path / "run" / "requests.npz")
    assert (back.start_s, back.seconds, list(back.tasks)) == (traffic.start_s, 1, list(known))
    for task, one in traffic.tasks.items():
        assert back.tasks[task].variants == one.variants
        assert back.tasks[task].why == one.why
        for name in ("scheduled_s", "sent_s", "latency_s", "answer"):
            np.testing.assert_array_equal(getattr(back.tasks[task], name), getattr(one, name))


@pytest.mark.parametrize("content", [b"", b"no traffic", None])
def test_a_file_that_holds_no_traffic_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "requests.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match="give the file that a live run wrote"):
        read_traffic(path)


@pytest.mark.integration
def test_tasks_are_sent_at_once_by_their_own_schedules_and_it_is_known_who_answered(
    server: LiveServer, repository: Repository, known: dict[str, ExpectedAnswers]
) -> None:
    server.switch(TASK, of(repository, TARGET, TASK, LARGE))
    server.switch("bees", of(repository, TARGET, "bees", "bees-small-0000001c"))
    schedules = {TASK: poisson_arrivals(constant(60, 2), 1), "bees": poisson_arrivals(constant(30, 2), 2)}
    before = server.requests()
    began_s = unix_s()
    traffic = send(server.endpoint, schedules, known)
    assert began_s < traffic.start_s < began_s + 1
    for task, variant in ((TASK, LARGE), ("bees", "bees-small-0000001c")):
        requests = traffic.tasks[task]
        np.testing.assert_array_equal(requests.scheduled_s, schedules[task])
        assert set(answered_by(requests)) == {variant}
        assert (requests.latency_s > 0).all()
        assert not requests.why
        assert server.requests()[task] - before[task] == len(schedules[task])


@pytest.mark.integration
def test_a_switch_under_traffic_loses_nothing_and_shows_in_who_answered(
    server: LiveServer, repository: Repository, known: dict[str, ExpectedAnswers]
) -> None:
    server.switch(TASK, of(repository, TARGET, TASK, LARGE))
    switching = threading.Timer(0.7, server.switch, [TASK, of(repository, TARGET, TASK, SMALL)])
    switching.start()
    traffic = send(server.endpoint, {TASK: even(100, 2)}, {TASK: known[TASK]})
    switching.join()
    found = answered_by(traffic.tasks[TASK])
    assert set(found) == {LARGE, SMALL}
    assert (found[0], found[-1]) == (LARGE, SMALL)


@pytest.mark.integration
def test_wrong_answers_and_refusals_are_kept_and_the_load_goes_on(
    server: LiveServer, repository: Repository, known: dict[str, ExpectedAnswers], tmp_path: Path
) -> None:
    server.switch(TASK, of(repository, TARGET, TASK, LARGE))
    lying = write_network(tmp_path / "lying.onnx", bias=30.0).read_bytes()
    network = of(repository, TARGET, TASK, SMALL)
    liar = replace(network, files=network.files | {"file:1/model.onnx": lying})
    steps = [
        threading.Timer(0.5, server.switch, [TASK, liar]),
        threading.Timer(1.5, server.unload, [TASK]),
        threading.Timer(2.5, server.switch, [TASK, of(repository, TARGET, TASK, LARGE)]),
    ]
    for step in steps:
        step.start()
    traffic = send(server.endpoint, {TASK: even(50, 4)}, {TASK: known[TASK]})
    for step in steps:
        step.join()
    requests = traffic.tasks[TASK]
    found = answered_by(requests)
    assert set(found) == {LARGE, "wrong", "lost"}
    assert (found[0], found[-1]) == (LARGE, LARGE)
    wrong, lost = found.index("wrong"), found.index("lost")
    assert "no variant gives this answer" in requests.why[wrong]
    assert requests.latency_s[wrong] > 0
    assert "unknown model" in requests.why[lost] or "not ready" in requests.why[lost]
    assert np.isnan(requests.latency_s[lost])


@pytest.mark.integration
def test_requests_are_lost_while_the_server_is_dead_and_answered_when_it_is_back(
    repository: Repository, known: dict[str, ExpectedAnswers]
) -> None:
    port = free_port()
    large = of(repository, TARGET, TASK, LARGE)

    def die_and_return() -> None:
        with short_lived_triton(grpc_port=port) as first:
            serve(first.endpoint)
            up.set()
            time.sleep(1.0)
            first.process.kill()
            first.process.wait()
        with short_lived_triton(grpc_port=port) as second:
            serve(second.endpoint)
            done.wait(30)

    def serve(endpoint: str) -> None:
        live = LiveServer(endpoint, token)
        live.switch(TASK, large)
        live.close()

    up, done = threading.Event(), threading.Event()
    servers = threading.Thread(target=die_and_return)
    servers.start()
    assert up.wait(60)
    traffic = send(f"127.0.0.1:{port}", {TASK: even(20, 5)}, {TASK: known[TASK]})
    done.set()
    servers.join()
    found = answered_by(traffic.tasks[TASK])
    assert (found[0], found[-1]) == (LARGE, LARGE)
    assert set(found) == {LARGE, "lost"}
