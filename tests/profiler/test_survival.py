"""Whatever a server does, a point has its figure or a reason, and a second run measures only what is missing."""

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from servers.lying_server import MODEL, Lie, LyingServer, honest
from support import write_network
from survival import level, profiled

from profiler.common.profile_settings import LevelSettings, WarmUpSettings
from profiler.common.target import Target
from profiler.load_generator import reference
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS
from profiler.measure.throughput import meter
from profiler.records.profile import Profile
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.served import FEWEST_INPUTS
from profiler.runtimes.session import open_session
from profiler.target.prepared_target import prepared_target

pytestmark = pytest.mark.timeout(60)

# The warm-up takes the fewest answers, and the first slice takes at least as many: the lie falls into that slice.
BEFORE_THE_LIE = MINIMUM_ANSWERS + 1
ANSWER_LIMIT_S = 1.0


@pytest.fixture(autouse=True)
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the time and short waits."""
    monkeypatch.setattr(meter, "SLICE_S", 0.02)
    monkeypatch.setattr("profiler.runtimes.kserve.server.ANSWER_LIMIT_S", ANSWER_LIMIT_S)
    monkeypatch.setattr(reference, "SLICE_S", 0.005)


@pytest.fixture
def server(network: Path) -> Iterator[LyingServer]:
    server = LyingServer(network)
    yield server
    server.stop()


def run(server: LyingServer, path: Path, settings: LevelSettings, before: Profile | None = None) -> Profile:
    """What is kept of the file on that server."""
    target = Target(runtime="v2", endpoint=server.endpoint, model=MODEL)
    with prepared_target("here", target) as ready:
        return profiled(ready, path, settings, before)


def holds(second: Profile, first: Profile) -> bool:
    """Whether every point of the first run stands in the second one's profile, noise and all."""
    points = list(second.points())
    return all(point in points for point in first.points())


def fail(_: LyingServer, __: np.ndarray, context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.INTERNAL, "the backend fell over")
    raise AssertionError


def answer_garbage(*_: object) -> bytes:
    return b"\xff" * 64


def answer_nothing(*_: object) -> bytes:
    return b""


def answer_an_empty_tensor(_: LyingServer, values: np.ndarray, __: object) -> np.ndarray:
    return values[:0]


def answer_another_shape(_: LyingServer, values: np.ndarray, __: object) -> np.ndarray:
    return values[:, :2]


def answer_nan(_: LyingServer, values: np.ndarray, __: object) -> np.ndarray:
    return values * np.float32("nan")


def answer_each_other(_: LyingServer, values: np.ndarray, __: object) -> np.ndarray:
    return values[::-1]


def hang(server: LyingServer, values: np.ndarray, _: object) -> np.ndarray:
    server.stopped.wait(30)
    return values


def start_counting_anew(server: LyingServer, values: np.ndarray, _: object) -> np.ndarray:
    """As a server does that took the place of another one."""
    server.counted = 0
    return values


def count_twice(server: LyingServer, values: np.ndarray, _: object) -> np.ndarray:
    server.counted += len(values)
    return values


LIES: dict[str, tuple[Lie, str]] = {
    "an error": (fail, "INTERNAL: the backend fell over"),
    "garbage": (answer_garbage, "64 bytes that are no ModelInferResponse"),
    "no output": (answer_nothing, "no output instead of 'logits'"),
    "an empty tensor": (answer_an_empty_tensor, r"shape \(0, 3\)"),
    "another shape": (answer_another_shape, r"shape \(4, 2\) instead of \(4, 3\)"),
    "NaN": (answer_nan, "answers NaN or infinite values where the file itself answers numbers"),
    "each other's answers": (answer_each_other, "differ from the file's own"),
    "no answer": (hang, r"no answer within 1 s|DEADLINE_EXCEEDED"),
    "counters that go backwards": (start_counting_anew, r"the server counts -?\d+ answers where the client had"),
    "counters that say more": (count_twice, r"the server counts \d+ answers where the client had"),
}


@pytest.mark.parametrize(("lie", "reason"), LIES.values(), ids=LIES)
def test_a_lie_costs_one_point_which_says_why_and_is_all_that_the_next_run_measures(
    server: LyingServer, network: Path, lie: Lie, reason: str
) -> None:
    server.lie, server.lies_to, server.spared = lie, {4}, BEFORE_THE_LIE
    first = run(server, network, level(1, 4))
    (missing,) = first.missing
    assert (missing.point, missing.at["batch"], missing.verdict) == ("ThroughputPoint", 4, "failed")
    assert re.search(reason, missing.reason)
    assert [point.batch for point in first.max_throughput] == [1]
    server.lie, requests = honest, server.requests[1]
    second = run(server, network, level(1, 4), first)
    assert second.covers(level(1, 4))
    assert [point.batch for point in second.max_throughput] == [1, 4]
    assert holds(second, first)
    assert server.requests[1] == requests


def test_an_answer_to_a_part_of_the_batch_is_no_answer(server: LyingServer, network: Path) -> None:
    server.lie, server.lies_to = lambda _, values, __: values[:2], {4}
    (missing,) = run(server, network, level(1, 4)).missing
    assert re.search(r"shape \(2, 3\) instead of \(4, 3\)", missing.reason)


@pytest.mark.parametrize(("off_by_share", "missing"), [(0.04, 0), (0.06, 1)])
def test_answers_may_be_off_by_rounding_and_no_more(
    server: LyingServer, network: Path, off_by_share: float, missing: int
) -> None:
    (answers,) = open_session(network, 1).run(None, {"input": sample_input((1, 8, 8), FEWEST_INPUTS)})
    error = np.float32(off_by_share * np.ptp(answers))
    server.lie, server.lies_to = lambda _, values, __: values + error, {4}
    assert len(run(server, network, level(1, 4)).missing) == missing


def test_another_network_behind_the_name_is_found_out(server: LyingServer, network: Path, tmp_path: Path) -> None:
    other = write_network(tmp_path / "other.onnx", bias=5.0)

    def replace(_: LyingServer, values: np.ndarray, __: object) -> np.ndarray:
        server.serve(other)
        return values

    server.lie, server.lies_to, server.spared = replace, {4}, BEFORE_THE_LIE
    profile = run(server, network, level(1, 4))
    assert [one.at["batch"] for one in profile.missing] == [4]
    assert all("differ from the file's own" in one.reason for one in profile.missing)
    assert [point.batch for point in profile.throughput] == [1]


def test_an_endpoint_that_vanishes_leaves_what_was_finished_and_may_come_back(
    server: LyingServer, network: Path
) -> None:
    def vanish(*_: object) -> bytes:
        server.stop()
        return b""

    server.lie, server.lies_to, server.spared = vanish, {4}, BEFORE_THE_LIE
    first = run(server, network, level(1, 4))
    assert [(one.point, one.at["batch"]) for one in first.missing] == [("ThroughputPoint", 4)]
    assert [point.batch for point in first.throughput] == [1]
    server.lie = honest
    server.start()
    second = run(server, network, level(1, 4), first)
    assert second.covers(level(1, 4))
    assert second.throughput[:1] == first.throughput


def test_a_batch_that_does_not_fit_is_missing_run_after_run_and_costs_the_others_nothing(
    server: LyingServer, network: Path
) -> None:
    def refuse(_: LyingServer, __: np.ndarray, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "out of memory")
        raise AssertionError

    server.lie, server.lies_to = refuse, {4}
    first = run(server, network, level(1, 4, 8))
    requests = server.requests.copy()
    second = run(server, network, level(1, 4, 8), first)
    for profile in (first, second):
        assert [(one.at["batch"], one.reason) for one in profile.missing] == [
            (4, "inference failed: RESOURCE_EXHAUSTED: out of memory")
        ]
        assert sorted(point.batch for point in profile.max_throughput) == [1, 8]
    assert holds(second, first)
    assert set(server.requests - requests) == {4}


def test_what_this_server_can_never_do_is_missing_for_good(server: LyingServer, network: Path) -> None:
    warm_up = WarmUpSettings(loads=1, batches=[1], curve_inferences=30, switch_seconds=None)
    settings = level(1).model_copy(update={"warm_up": warm_up})
    first = run(server, network, settings)
    assert {one.verdict for one in first.missing} == {"unavailable"}
    assert {one.part for one in first.missing} == {"warm_up"}
    assert first.covers(settings)


def test_failures_that_are_not_in_a_row_give_nothing_up(server: LyingServer, network: Path) -> None:
    server.lie, server.lies_to = fail, {2, 4, 6, 8, 10}
    profile = run(server, network, level(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
    assert [one.at["batch"] for one in profile.missing] == [2, 4, 6, 8, 10]
    assert sorted(point.batch for point in profile.max_throughput) == [1, 3, 5, 7, 9]
