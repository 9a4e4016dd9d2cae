"""The profiler is killed, stands still or is starved: what was finished is kept, what was disturbed shows."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from narrowing import known, of
from support import environment
from survival import gone, level, regions

from profiler.command import Request
from profiler.common.files import read_record
from profiler.common.profile_settings import LevelSettings
from profiler.common.target import Runtime, Target
from profiler.measure.throughput import meter
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.verdict import SETTLED_HALF_WIDTH
from profiler.records.profile import Profile
from profiler.records.throughput import ThroughputPoint
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

STALL_S = 1.5
RAW = ("seconds", "reference_per_s")


@contextmanager
def profiler_process(
    folder: Path, network: Path, settings: LevelSettings, runtime: Runtime = "triton"
) -> Iterator[subprocess.Popen[str]]:
    """`python -m profiler`, which writes profile.json to the folder; killed where it still runs at the end."""
    request = Request(target_name="here", target=Target(runtime=runtime), settings=settings)
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
    return read_record(path, Profile, "") if path.exists() else None


def wait_for_a_throughput(folder: Path) -> None:
    """Until one is finished, and the next one is under way."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        profile = written(folder)
        if profile is not None and profile.throughput:
            time.sleep(0.3)
            return
        time.sleep(0.02)
    raise AssertionError("the profiler measured nothing")


def test_a_killed_profiler_leaves_a_valid_profile_that_the_next_run_completes(network: Path, tmp_path: Path) -> None:
    settings = level(1, 4, every=False)
    with profiler_process(tmp_path, network, settings) as killed:
        wait_for_a_throughput(tmp_path)
        family = psutil.Process(killed.pid).children(recursive=True)
        shared = regions(family[0].pid)
        killed.kill()
    first = known(written(tmp_path))
    assert first.throughput
    assert not first.covers(settings)
    assert np.load(tmp_path / "profile.npz").files
    assert family
    assert gone(family)
    with profiler_process(tmp_path, network, settings) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    second = known(written(tmp_path))
    assert second.covers(settings)
    assert second.throughput[: len(first.throughput)] == first.throughput
    assert {one.place for one in first.latency} <= {one.place for one in second.latency}
    assert not list(tmp_path.glob("*dnn-porting-*"))
    assert shared
    assert not any(path.exists() for path in shared)


@pytest.mark.alone
def test_a_standstill_of_the_machine_is_thrown_away_or_settles_nothing(network: Path, tmp_path: Path) -> None:
    # In one process, as a Triton that stood still may take its backends for dead, and then the point is lost.
    with profiler_process(tmp_path, network, level(4, settle=3.0), "onnxruntime") as process:
        wait_for_a_throughput(tmp_path)
        profiler = psutil.Process(process.pid)
        profiler.suspend()
        time.sleep(STALL_S)
        profiler.resume()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    profile = known(written(tmp_path))
    assert not profile.missing
    (point,) = profile.max_throughput
    width = known(point.high_relative_throughput) - known(point.low_relative_throughput)
    # A standstill beside the reference shows as a slow reference, and one within the load as a long slice.
    assert point.noise.thrown_share > 0 or width / 2 > SETTLED_HALF_WIDTH * point.relative_throughput
    raw = np.load(tmp_path / "profile.npz")
    seconds, reference_per_s = (raw[f"max_throughput_batch_4_concurrency_1_cores_1_x1_{name}"] for name in RAW)
    assert seconds.max() > STALL_S or reference_per_s.min() < 0.75 * np.median(reference_per_s)


@contextmanager
def busy(cores: list[int]) -> Iterator[None]:
    """Another process that takes what it can get of these cores."""
    with subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) as process:
        os.sched_setaffinity(process.pid, cores)
        try:
            yield
        finally:
            process.kill()


@pytest.mark.quiet
def test_another_process_on_the_server_s_core_moves_the_corrected_rate_less_than_the_raw_one(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "SLICE_S", 0.1)
    alone: list[ThroughputPoint] = []
    beside: list[ThroughputPoint] = []
    with (
        prepared_target("here", Target(runtime="onnxruntime")) as ready,
        ModelUnderTest(ready, network) as model,
    ):
        measuring = ThroughputMeter(model, ready.target.resources)
        for _ in range(4):
            alone.append(of(measuring.point(measuring.run(1, 1, seconds=0.8))[0], ThroughputPoint))
            with busy(ready.server_cores):
                beside.append(of(measuring.point(measuring.run(1, 1, seconds=0.8))[0], ThroughputPoint))

    def moved(figure: str) -> float:
        pairs = zip(alone, beside, strict=True)
        return abs(1 - float(np.median([getattr(b, figure) / getattr(a, figure) for a, b in pairs])))

    assert moved("relative_throughput") < moved("images_per_s") / 2
    slowed = [
        known(b.noise.reference_per_s) / known(a.noise.reference_per_s) for a, b in zip(alone, beside, strict=True)
    ]
    assert float(np.median(slowed)) < 1
