"""A real server is killed, hangs or refuses the file: the next points are measured, and nothing stays behind."""

import itertools
import re
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from narrowing import known
from survival import gone, level, profiled, regions

from profiler.common.target import Target
from profiler.load_generator import reference
from profiler.measure.throughput import meter
from profiler.runtimes.kserve import own_triton
from profiler.runtimes.served import Expectation
from profiler.system.processes import tree
from profiler.target.prepared_target import prepared_target

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

# The warm-up takes a few.
INTO_THE_SLICE = 12
# The shape of the network's inputs, which the reference does not have.
SHAPE = (1, 8, 8)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short slices and waits."""
    monkeypatch.setattr(meter, "SLICE_S", 0.1)
    monkeypatch.setattr("profiler.runtimes.kserve.server.ANSWER_LIMIT_S", 1.0)
    monkeypatch.setattr(reference, "SLICE_S", 0.02)


@pytest.fixture
def in_a_slice(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something done once, after an answer in the first slice of load."""
    check, answered = Expectation.check, itertools.count()

    def prepare(strike: Callable[[], None]) -> None:
        def watched(self: Expectation, answers: np.ndarray, batch: int) -> None:
            check(self, answers, batch)
            if self._images.shape[1:] == SHAPE and next(answered) == INTO_THE_SLICE:
                strike()

        monkeypatch.setattr(Expectation, "check", watched)

    return prepare


SERVER, BACKEND = 0, 1
STRIKES = {
    "stopped": ([(SERVER, signal.SIGSTOP)], "no answer within 1 s"),
    "killed, its backend hanging": ([(BACKEND, signal.SIGSTOP), (SERVER, signal.SIGKILL)], "inference failed"),
    "bereft of its backend": ([(BACKEND, signal.SIGKILL)], "inference failed"),
}


@pytest.mark.parametrize(("signals", "reason"), STRIKES.values(), ids=STRIKES)
def test_a_server_struck_in_a_slice_costs_one_point_and_leaves_nothing_behind(
    network: Path, in_a_slice: Callable[[Callable[[], None]], None], signals: list[tuple[int, int]], reason: str
) -> None:
    seen: list[psutil.Process] = []
    shared: list[Path] = []
    with prepared_target("here", Target()) as ready:

        def strike() -> None:
            seen.extend(tree(known(ready.host.process)))
            shared.extend(regions(known(ready.host.process)))
            for which, number in signals:
                seen[which].send_signal(number)

        in_a_slice(strike)
        profile = profiled(ready, network, level(1, 4))
        seen += tree(known(ready.host.process))
        shared += regions(known(ready.host.process))
    (missing,) = profile.missing
    assert (missing.point, missing.at["batch"], missing.verdict) == ("ThroughputPoint", 1, "failed")
    assert re.search(reason, missing.reason)
    assert [point.batch for point in profile.max_throughput] == [4]
    assert len(seen) >= 3
    assert gone(seen)
    assert shared
    assert not any(path.exists() for path in shared)


def test_a_server_that_refuses_the_file_leaves_what_needs_no_server(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(source: Path, destination: Path) -> None:
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(source.read_bytes()[:100])

    monkeypatch.setattr(own_triton, "link_or_copy", cut)
    with prepared_target("here", Target()) as ready:
        profile = profiled(ready, network, level(1))
    (missing,) = profile.missing
    assert re.search(r"the server does not load .*Protobuf parsing failed", missing.reason)
    assert [point.runtime for point in profile.latency] == ["onnxruntime"]
