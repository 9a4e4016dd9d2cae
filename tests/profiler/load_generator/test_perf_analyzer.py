"""perf_analyzer as a load generator: recorded output, and programs that fail."""

import stat
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from profiler.common.errors import BadInputError, ServerError
from profiler.load_generator.perf_analyzer import PerfAnalyzer, PerfAnalyzerLoop, Windows, find_perf_analyzer
from profiler.load_generator.perf_analyzer_run import last_words, read_points

DATA = Path(__file__).parent / "data"
SHORT = Windows(seconds=0.15, within_share=10.0, most=3)


def printed(name: str) -> str:
    return (DATA / f"perf_analyzer_{name}.txt").read_text()


def test_a_settled_point_has_every_figure_and_its_windows() -> None:
    (point,) = read_points(printed("settled"), batch=4, client_cpu_share=0.25)
    assert (point.verdict, point.batch, point.concurrency) == ("settled", 4, 2)
    assert point.images_per_s == 1259.73
    percentiles_ms = [point.p50_ms, point.p90_ms, point.p95_ms, point.p99_ms]
    assert percentiles_ms == pytest.approx([6.326, 9.793, 10.855, 15.064])
    assert point.windows_images_per_s == [2329.26, 1671.92, 1168.85, 942.188]
    assert point.client_cpu_share == 0.25


def test_a_point_that_was_given_up_is_kept_with_its_windows_and_the_reason() -> None:
    settled, given_up = read_points(printed("gave_up"), batch=1, client_cpu_share=0.25)
    assert (settled.verdict, settled.images_per_s) == ("settled", 463.915)
    assert (given_up.verdict, given_up.concurrency, given_up.images_per_s) == ("unsettled", 2, None)
    assert given_up.windows_images_per_s == [505.515, 504.467, 261.105]
    assert "Failed to obtain stable measurement within 3" in given_up.verdict_reason
    assert set(given_up.reasons) == {"images_per_s", "p50_ms", "p90_ms", "p95_ms", "p99_ms"}


def test_the_rate_of_a_warm_run_leaves_out_its_first_window_also_where_the_windows_never_agreed() -> None:
    (settled,) = read_points(printed("settled"), batch=4, client_cpu_share=0.25)
    assert settled.warm_images_per_s() == pytest.approx((1671.92 + 1168.85 + 942.188) / 3)
    given_up = read_points(printed("gave_up"), batch=1, client_cpu_share=0.25)[1]
    assert given_up.warm_images_per_s() == pytest.approx((505.515 + 504.467 + 261.105) / 3)
    short = given_up.model_copy(update={"windows_images_per_s": [505.515, 504.467]})
    with pytest.raises(ServerError, match=r"ended after 2 of 3 windows: .*Failed to obtain stable"):
        short.warm_images_per_s()


def test_a_slice_of_load_has_one_window_more_than_it_counts(tmp_path: Path) -> None:
    recorded = DATA / "perf_analyzer_settled.txt"
    program = script(tmp_path / "recorded", f"echo $* > {tmp_path}/arguments; cat {recorded}; exit 2")
    counted = PerfAnalyzerLoop(analyzer(program), batch=4, concurrency=2).run(3.0)
    assert counted.counted / counted.seconds * 4 == pytest.approx((1671.92 + 1168.85 + 942.188) / 3)
    assert "--measurement-interval 1000 --stability-percentage 0 --max-trials 4" in (tmp_path / "arguments").read_text()


def test_its_words_about_an_error_stand_on_one_line() -> None:
    output = "  Measurement window: 5 msec\n\nFailed to maintain load.\nThread [0] had error: Socket closed\n\n"
    assert last_words(output) == "Failed to maintain load. | Thread [0] had error: Socket closed"
    assert last_words("") == "it printed nothing"


def test_no_perf_analyzer_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInputError, match=r"perf_analyzer on the PATH.*pip install perf-analyzer.*built-in"):
        find_perf_analyzer()
    with pytest.raises(BadInputError, match="no /nowhere/pa:"):
        find_perf_analyzer(Path("/nowhere/pa"))


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def analyzer(program: Path) -> PerfAnalyzer:
    return PerfAnalyzer(program, "127.0.0.1:9", "model", "input", np.zeros((1, 1, 8, 8)))


def running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_one_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    slow = script(tmp_path / "slow", f"echo 'connection error'; sleep 60 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(ServerError, match="took longer than 1 s: connection error"):
        analyzer(slow).measure(1, 1, SHORT, limit_s=1.0)
    child, end = int((tmp_path / "pid").read_text()), time.monotonic() + 20
    while running(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not running(child)


def test_its_own_processor_time_counts_from_when_the_load_begins(tmp_path: Path) -> None:
    spin = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
    idle = script(tmp_path / "idle", f"{spin}; echo 'Request concurrency: 1'; sleep 0.5; exit 2")
    busy = script(tmp_path / "busy", f"echo 'Request concurrency: 1'; {spin}; exit 2")
    shares = [analyzer(program).measure(1, 1, SHORT, 30).client_cpu_share for program in (idle, busy)]
    assert shares[0] < shares[1] / 2


def test_one_that_prints_no_point_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="perf_analyzer failed with code 0: all is well"):
        analyzer(script(tmp_path / "mute", "echo all is well")).measure(1, 1, SHORT, 30)


def test_a_sweep_takes_the_default_windows_and_has_a_point_for_each_concurrency(tmp_path: Path) -> None:
    recorded = DATA / "perf_analyzer_gave_up.txt"
    program = script(tmp_path / "recorded", f"echo $* > {tmp_path}/arguments; cat {recorded}; exit 2")
    points = analyzer(program).sweep(batch=1, concurrencies="1:4", windows=Windows(), limit_s=30)
    assert [(point.concurrency, point.verdict) for point in points] == [(1, "settled"), (2, "unsettled")]
    arguments = (tmp_path / "arguments").read_text()
    assert "--concurrency-range 1:4" in arguments
    assert "--measurement-interval 5000 --stability-percentage 10 --max-trials 10" in arguments
