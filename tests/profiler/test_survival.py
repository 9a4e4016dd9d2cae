"""Whatever a server does, a point has its figure or a reason, and a second run measures only what is missing."""

import ast
import itertools
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import numpy as np
import pytest
from blank import blank_level
from servers.lying_server import MODEL, Lie, LyingServer, honest
from support import ROOT, write_network

from profiler import bench as bench_module
from profiler.bench import bench
from profiler.errors import ServerError
from profiler.level import LevelSettings
from profiler.load_generator import probe
from profiler.measure import meter
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.runtimes import v2_server
from profiler.runtimes.session import open_session, sample_input
from profiler.target import Target

pytestmark = pytest.mark.timeout(60)

BEFORE_THE_LIE = 30
ANSWER_LIMIT_S = 1.0


@pytest.fixture(autouse=True)
def short_slices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A tenth of the time, short waits, and a host that nobody else measures on."""
    monkeypatch.setattr(meter, "SLICE_S", 0.02)
    monkeypatch.setattr(probe, "SLICE_S", 0.005)
    monkeypatch.setattr(v2_server, "ANSWER_LIMIT_S", ANSWER_LIMIT_S)
    monkeypatch.setattr(bench_module, "HOST_LOCK", tmp_path / "lock")


@pytest.fixture
def server(network: Path) -> Iterator[LyingServer]:
    server = LyingServer(network)
    yield server
    server.stop()


def level(*batches: int) -> LevelSettings:
    """One latency, and the maximal throughput of these batches, one request at a time."""
    return blank_level(
        latency={"batches": [1], "seconds": 0.02, "input_sizes": []},
        throughput={
            "batches": list(batches),
            "max_concurrency": 1,
            "search_slices": 2,
            "settle_slices": 6,
            "settle_every_batch": True,
        },
    )


def profiled(target: Target, path: Path, settings: LevelSettings, before: Profile | None = None) -> Profile:
    """What is kept when a run is over, however it ended."""
    kept: list[Profile] = []
    with bench("here", target) as ready, suppress(ServerError):
        profile_file(ready, path, settings, before, 1000.0, lambda profile, _: kept.append(profile), lambda _: None)
    return kept[-1]


def holds(second: Profile, first: Profile) -> bool:
    """Whether every point of the first run stands in the second one's profile, noise and all."""
    points = list(second.points())
    return all(point in points for point in first.points())


def at(server: LyingServer) -> Target:
    return Target(runtime="v2", endpoint=server.endpoint, model=MODEL)


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
    "no output": (answer_nothing, "no output where 'logits' was due"),
    "an empty tensor": (answer_an_empty_tensor, r"shape \(0, 3\)"),
    "another shape": (answer_another_shape, r"shape \(4, 2\) where \(4, 3\) was due"),
    "NaN": (answer_nan, "differ from the file's own"),
    "each other's answers": (answer_each_other, "differ from the file's own"),
    "no answer": (hang, r"no answer within 1 s|DEADLINE_EXCEEDED"),
    "counters that go backwards": (start_counting_anew, r"the server counts -?\d+ answers where the client had"),
    "counters that say more": (count_twice, r"the server counts \d+ answers where the client had"),
}


@pytest.mark.parametrize(("lie", "reason"), LIES.values(), ids=LIES)
def test_a_lie_costs_one_point_which_says_why_and_is_all_that_the_next_run_measures(
    server: LyingServer, network: Path, lie: Lie, reason: str
) -> None:
    server.lie, server.lies_to, server.spared = lie, 4, BEFORE_THE_LIE
    first = profiled(at(server), network, level(1, 4))
    (missing,) = first.missing
    assert (missing.point, missing.at["batch"], missing.verdict) == ("ThroughputPoint", 4, "failed")
    assert re.search(reason, missing.reason)
    assert [point.batch for point in first.max_throughput] == [1]
    server.lie, requests = honest, server.requests[1]
    second = profiled(at(server), network, level(1, 4), first)
    assert second.covers(level(1, 4))
    assert [point.batch for point in second.max_throughput] == [1, 4]
    assert holds(second, first)
    assert server.requests[1] == requests


@pytest.mark.xfail(strict=True, reason="Expectation.check does not know how many inputs were sent")
def test_an_answer_to_a_part_of_the_batch_is_no_answer(server: LyingServer, network: Path) -> None:
    server.lie, server.lies_to = lambda _, values, __: values[:2], 4
    (missing,) = profiled(at(server), network, level(1, 4)).missing
    assert re.search(r"shape \(2, 3\) where \(4, 3\) was due", missing.reason)


@pytest.mark.parametrize(("off_by_share", "missing"), [(0.04, 0), (0.06, 1)])
def test_answers_may_be_off_by_rounding_and_no_more(
    server: LyingServer, network: Path, off_by_share: float, missing: int
) -> None:
    (answers,) = open_session(network, 1).run(None, {"input": sample_input((1, 8, 8), 64)})
    error = np.float32(off_by_share * np.ptp(answers))
    server.lie, server.lies_to = lambda _, values, __: values + error, 4
    assert len(profiled(at(server), network, level(1, 4)).missing) == missing


def test_another_network_behind_the_name_is_found_out(server: LyingServer, network: Path, tmp_path: Path) -> None:
    other = write_network(tmp_path / "other.onnx", bias=5.0)

    def replace(_: LyingServer, values: np.ndarray, __: object) -> np.ndarray:
        server.serve(other)
        return values

    server.lie, server.lies_to, server.spared = replace, 4, BEFORE_THE_LIE
    profile = profiled(at(server), network, level(1, 4))
    assert [one.at["batch"] for one in profile.missing] == [4, 1]
    assert all("differ from the file's own" in one.reason for one in profile.missing)
    assert [point.batch for point in profile.throughput] == [1]


def test_an_endpoint_that_vanishes_leaves_what_was_finished_and_may_come_back(
    server: LyingServer, network: Path
) -> None:
    def vanish(*_: object) -> bytes:
        server.stop()
        return b""

    server.lie, server.lies_to, server.spared = vanish, 4, BEFORE_THE_LIE
    first = profiled(at(server), network, level(1, 4))
    assert [(one.point, one.at["batch"]) for one in first.missing] == [("ThroughputPoint", 4), ("MaximalThroughput", 1)]
    assert [point.batch for point in first.throughput] == [1]
    server.lie = honest
    server.start()
    second = profiled(at(server), network, level(1, 4), first)
    assert second.covers(level(1, 4))
    assert second.throughput[:1] == first.throughput


def test_a_batch_that_does_not_fit_is_missing_run_after_run_and_costs_the_others_nothing(
    server: LyingServer, network: Path
) -> None:
    def refuse(_: LyingServer, __: np.ndarray, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "out of memory")
        raise AssertionError

    server.lie, server.lies_to = refuse, 4
    first = profiled(at(server), network, level(1, 4, 8))
    requests = server.requests.copy()
    second = profiled(at(server), network, level(1, 4, 8), first)
    for profile in (first, second):
        assert [(one.at["batch"], one.reason) for one in profile.missing] == [
            (4, "inference failed: RESOURCE_EXHAUSTED: out of memory")
        ]
        assert sorted(point.batch for point in profile.max_throughput) == [1, 8]
    assert holds(second, first)
    assert set(server.requests - requests) == {4}


def test_a_clock_that_steps_moves_no_figure(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    steps_s = itertools.cycle([0, 86400, -86400])
    monkeypatch.setattr(time, "time", lambda: now + next(steps_s))
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * time.time()))
    profile = profiled(Target(runtime="onnxruntime"), network, level(1))
    assert not profile.missing
    assert profile.seconds < 3600
    assert max(point.mean_ms for point in profile.latency) < 3600e3
    assert all(point.answers / point.images_per_s < 3600 for point in profile.throughput)


def wall_clocks(source: str) -> list[str]:
    """Every mention of a clock that can be set."""
    tree = ast.parse(source)
    named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            named |= {f"{node.module}.{alias.name}" for alias in node.names}
    setable = re.compile(r"\b(time\.(time|time_ns|ctime|localtime|gmtime)|(datetime|date)\.(now|utcnow|today))$")
    return sorted(name for name in named if setable.search(name))


def test_only_the_date_of_the_record_is_read_from_a_clock_that_can_be_set() -> None:
    assert wall_clocks("import time\nfrom time import time_ns\na = time.time") == ["time.time", "time.time_ns"]
    read = {str(path.relative_to(ROOT)): wall_clocks(path.read_text()) for path in (ROOT / "profiler").rglob("*.py")}
    assert {path: names for path, names in read.items() if names} == {"profiler/profiling.py": ["datetime.now"]}
    assert (ROOT / "profiler" / "profiling.py").read_text().count("measured_at=datetime.now(UTC)") == 1
