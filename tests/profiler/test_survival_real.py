"""A real server that is killed, stopped or starved, and a profiler that is: nothing hangs, is lost or stays behind."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from blank import blank_level
from support import environment

from profiler import bench as bench_module
from profiler.__main__ import Request
from profiler.bench import Bench, bench
from profiler.errors import ServerError
from profiler.level import LevelSettings
from profiler.load_generator import probe
from profiler.load_generator.probe import Probe
from profiler.measure import meter
from profiler.measure.meter import SETTLED_HALF_WIDTH, ThroughputMeter
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.runtimes import own_triton, v2_server
from profiler.subject import Subject
from profiler.target import Target
from profiler.triton.server import FOLDER, SHARED_MEMORY

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

INTO_THE_SLICE_S = 0.05
GONE_LIMIT_S = 20.0


def level(*batches: int, most: int = 1, search: int = 2, settle: int = 6) -> LevelSettings:
    """One latency, and the maximal throughput of these batches."""
    return blank_level(
        latency={"batches": [1], "seconds": 0.02, "input_sizes": []},
        throughput={
            "batches": list(batches),
            "max_concurrency": most,
            "search_slices": search,
            "settle_slices": settle,
            "settle_every_batch": True,
        },
    )


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Short slices and waits, and a host that nobody else measures on."""
    monkeypatch.setattr(meter, "SLICE_S", 2 * INTO_THE_SLICE_S)
    monkeypatch.setattr(probe, "SLICE_S", 0.02)
    monkeypatch.setattr(v2_server, "ANSWER_LIMIT_S", 1.0)
    monkeypatch.setattr(bench_module, "HOST_LOCK", tmp_path / "lock")


@pytest.fixture
def in_a_slice(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], Callable[[str], None]]:
    """Makes an `announce` that has something done in the middle of the first slice of the throughput's sweep."""
    armed, rate_per_s = threading.Event(), Probe.rate_per_s

    def prepare(strike: Callable[[], None]) -> Callable[[str], None]:
        def watched(self: Probe) -> float:
            rate = rate_per_s(self)
            if armed.is_set():
                armed.clear()
                threading.Timer(INTO_THE_SLICE_S, strike).start()
            return rate

        monkeypatch.setattr(Probe, "rate_per_s", watched)
        return lambda title: armed.set() if title == "maximal throughput" else None

    return prepare


def profiled(ready: Bench, path: Path, settings: LevelSettings, announce: Callable[[str], None]) -> Profile:
    """What is kept when a run is over, however it ended."""
    kept: list[Profile] = []
    with suppress(ServerError):
        profile_file(ready, path, settings, None, 1000.0, lambda profile, _: kept.append(profile), announce)
    return kept[-1]


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=GONE_LIMIT_S)[1]


def regions(pid: int) -> list[Path]:
    return list(SHARED_MEMORY.glob(f"{FOLDER}-{pid}-*"))


STRIKES = {
    "the server killed": (0, signal.SIGKILL, "inference failed"),
    "the server stopped": (0, signal.SIGSTOP, "no answer within 1 s"),
    "its backend killed": (1, signal.SIGKILL, "inference failed"),
}


@pytest.mark.parametrize(("which", "number", "reason"), STRIKES.values(), ids=STRIKES)
def test_a_server_struck_in_a_slice_costs_one_point_and_leaves_nothing_behind(
    network: Path, in_a_slice: Callable, which: int, number: int, reason: str
) -> None:
    seen: list[psutil.Process] = []
    with bench("here", Target()) as ready:

        def strike() -> None:
            server = psutil.Process(ready.host.process)
            seen.extend([server, *server.children(recursive=True)])
            seen[which].send_signal(number)

        profile = profiled(ready, network, level(1, 4), in_a_slice(strike))
        seen += psutil.Process(ready.host.process).children(recursive=True)
        seen.append(psutil.Process(ready.host.process))
    (missing,) = profile.missing
    assert (missing.point, missing.at["batch"], missing.verdict) == ("ThroughputPoint", 1, "failed")
    assert re.search(reason, missing.reason)
    assert [point.batch for point in profile.max_throughput] == [4]
    assert gone(seen)
    assert not regions(os.getpid())


def test_a_server_that_refuses_the_file_leaves_what_needs_no_server(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(source: Path, destination: Path) -> None:
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(source.read_bytes()[:100])

    monkeypatch.setattr(own_triton, "place", cut)
    with bench("here", Target()) as ready:
        profile = profiled(ready, network, level(1), lambda _: None)
    (missing,) = profile.missing
    assert re.search(r"the server does not load .*Protobuf parsing failed", missing.reason)
    assert [point.runtime for point in profile.latency] == ["onnxruntime"]


@contextmanager
def profiler_process(folder: Path, network: Path, settings: LevelSettings) -> Iterator[subprocess.Popen[str]]:
    """`python -m profiler`, which writes profile.json to the folder; killed where it still runs at the end."""
    request = Request(target_name="here", target=Target(), settings=settings)
    (folder / "request.json").write_text(request.model_dump_json())
    with subprocess.Popen(
        [sys.executable, "-m", "profiler", str(network), "request.json"],
        cwd=folder,
        env={**environment(), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def written(folder: Path) -> Profile | None:
    path = folder / "profile.json"
    return Profile.model_validate_json(path.read_text()) if path.exists() else None


def wait_for_points(folder: Path, throughputs: int) -> None:
    """Until so many throughputs are finished, and the next one is under way."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        profile = written(folder)
        if profile is not None and len(profile.throughput) >= throughputs:
            time.sleep(0.3)
            return
        time.sleep(0.02)
    raise AssertionError("the profiler measured nothing")


def test_a_killed_profiler_leaves_a_valid_profile_that_the_next_run_completes(network: Path, tmp_path: Path) -> None:
    settings = level(1, 4, search=3)
    with profiler_process(tmp_path, network, settings) as killed:
        wait_for_points(tmp_path, throughputs=1)
        family = psutil.Process(killed.pid).children(recursive=True)
        killed.kill()
    first = written(tmp_path)
    assert first.throughput
    assert not first.covers(settings)
    assert np.load(tmp_path / "profile.npz").files
    assert family
    assert gone(family)
    with profiler_process(tmp_path, network, settings) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    second = written(tmp_path)
    assert second.covers(settings)
    assert second.throughput[: len(first.throughput)] == first.throughput
    assert second.latency[0] == first.latency[0]
    assert not list(tmp_path.glob(f"{FOLDER}-*"))
    assert not regions(killed.pid) + regions(process.pid)


def test_a_machine_that_stands_still_for_a_while_settles_nothing(network: Path, tmp_path: Path) -> None:
    with profiler_process(tmp_path, network, level(4, settle=12)) as process:
        wait_for_points(tmp_path, throughputs=1)
        profiler = psutil.Process(process.pid)
        everything = [profiler, *profiler.children(recursive=True)]
        for one in everything:
            one.suspend()
        time.sleep(1.5)
        for one in everything:
            one.resume()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    (point,) = written(tmp_path).max_throughput
    assert point.verdict != "settled"
    assert point.high_images_per_s - point.low_images_per_s > 2 * SETTLED_HALF_WIDTH * point.images_per_s
    assert point.verdict_reason


@contextmanager
def busy(cores: list[int]) -> Iterator[None]:
    """Another process that takes what it can get of these cores."""
    with subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) as process:
        os.sched_setaffinity(process.pid, cores)
        try:
            yield
        finally:
            process.kill()


def test_another_process_on_the_server_s_core_moves_the_corrected_rate_less_than_the_raw_one(network: Path) -> None:
    alone, beside = [], []
    with bench("here", Target(runtime="onnxruntime")) as ready, Subject(ready, network, 1000.0, []) as subject:
        measuring = ThroughputMeter(subject, ready.target.resources)
        for _ in range(4):
            alone.append(measuring.point(measuring.run(1, 1, 4))[0])
            with busy(ready.server_cores):
                beside.append(measuring.point(measuring.run(1, 1, 4))[0])

    def moved(figure: str) -> float:
        pairs = zip(alone, beside, strict=True)
        return abs(1 - float(np.median([getattr(b, figure) / getattr(a, figure) for a, b in pairs])))

    assert moved("corrected_images_per_s") < moved("images_per_s") / 2
    assert all(b.noise.probe_per_s < a.noise.probe_per_s for a, b in zip(alone, beside, strict=True))
