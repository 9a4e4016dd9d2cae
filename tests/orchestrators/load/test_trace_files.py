"""Demand and bandwidth from files."""

import os
from pathlib import Path

import numpy as np
import pytest
from support import SHARED_DATA

from orchestrators.load import random_sample, read_bandwidth, read_trace
from orchestrators.load.trace_files import LIMIT_LINES
from profiler.common.errors import BadInputError

TRACES = SHARED_DATA / "traces"
LOG = """\
1450274031248 725 51.06 3.73 3263799 725
1450274032248 1725 51.06 3.73 4226240 1000
1450274032748 2225 51.06 3.73 0 500
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "trace.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_trace_holds_one_count_a_line(tmp_path: Path) -> None:
    for text in ("3\n0\n12\n", "3\n0\n12", "3\r\n0\r\n12\r\n"):
        assert read_trace(written(tmp_path, text)).tolist() == [3, 0, 12]


@pytest.mark.parametrize("line", ["", "-3", "2.5", "1e3", "0x10", "1_000", "³", "5 6", "9" * 10, "9" * 5000, "nan"])
def test_a_malformed_line_is_refused_with_file_and_line(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, f"3\n{line}\n12\n")
    with pytest.raises(BadInputError, match=r"trace\.txt:2 is not valid: a line holds the requests of one second"):
        read_trace(path)


def test_an_error_shows_what_stands_there_on_one_short_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        read_trace(written(tmp_path, "root:secret\x1b[31m" + "y" * 10_000))
    assert "secret" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("lines", [LIMIT_LINES + 1, 125_000_000])
def test_more_lines_than_memory_holds_are_refused(tmp_path: Path, lines: int) -> None:
    with pytest.raises(BadInputError, match=f"more than {LIMIT_LINES} lines: give a part of it"):
        read_trace(written(tmp_path, b"1\n" * lines))


def test_a_trace_that_never_ends_is_refused_and_none_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (Path("/dev/zero"), tmp_path / "fifo"):
        with pytest.raises(BadInputError, match="is no plain file"):
            read_trace(path)


def test_a_file_that_is_empty_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is empty"):
        read_trace(written(tmp_path, ""))
    with pytest.raises(BadInputError, match="byte 2 is not UTF-8"):
        read_trace(written(tmp_path, b"1\n\xff\n"))
    with pytest.raises(BadInputError, match="none does not exist"):
        read_trace(tmp_path / "none")
    with pytest.raises(BadInputError, match="is no plain file"):
        read_trace(tmp_path)


def test_a_sample_is_consecutive_and_follows_its_seed() -> None:
    trace = np.arange(1000.0)
    samples = [random_sample(trace, 300, seed) for seed in range(20)]
    assert all((np.diff(sample) == 1).all() and len(sample) == 300 for sample in samples)
    assert len({sample[0] for sample in samples}) > 10
    assert (random_sample(trace, 300, 7) == samples[7]).all()


def test_every_second_of_a_trace_can_be_sampled() -> None:
    ends = {(sample[0], sample[-1]) for sample in (random_sample(np.arange(4.0), 3, seed) for seed in range(50))}
    assert ends == {(0, 2), (1, 3)}
    assert (random_sample(np.arange(4.0), 4, 0) == np.arange(4)).all()


def test_a_sample_longer_than_the_trace_is_refused() -> None:
    with pytest.raises(BadInputError, match="a sample of 5 s from a demand of 4 s"):
        random_sample(np.ones(4), 5, 0)


def test_bandwidth_is_bytes_by_the_time_they_took(tmp_path: Path) -> None:
    bandwidth = read_bandwidth(written(tmp_path, LOG))
    assert bandwidth.time_s.tolist() == [0.725, 1.725, 2.225]
    assert bandwidth.bytes_per_s.tolist() == pytest.approx([3263799 / 0.725, 4226240, 0])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1450274033248 2725 51.06 3.73 100",
        "1450274033248 2725 51.06 3.73 100 500 1",
        "1450274033248 2725 51.06 3.73 -100 500",
        "1450274033248 2725 51.06 3.73 100 0",
        "1450274033248 2725 51.06 3.73 nan 500",
        "1450274033248 2725 51.06 3.73 many 500",
        "1450274033248 2225 51.06 3.73 100 500",
    ],
)
def test_a_malformed_bandwidth_line_is_refused_with_file_and_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadInputError, match=r"trace\.txt:4 is not valid: a line holds six numbers"):
        read_bandwidth(written(tmp_path, f"{LOG}{line}\n"))


def test_an_empty_bandwidth_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is empty"):
        read_bandwidth(written(tmp_path, ""))


@pytest.mark.data("traces")
def test_the_real_traces_are_read_whole() -> None:
    first, second = read_trace(TRACES / "twitter_2018_04_rps.txt"), read_trace(TRACES / "twitter_2021_08_rps.txt")
    assert (len(first), first.mean()) == (1800, pytest.approx(32.5, abs=0.05))
    assert (len(second), second.min(), second.max()) == (1260, 27, 274)


@pytest.mark.data("traces")
def test_the_real_bandwidth_log_is_one_measurement_a_second() -> None:
    bandwidth = read_bandwidth(TRACES / "lte_4g_bus_0001.log")
    assert len(bandwidth.time_s) == len(bandwidth.bytes_per_s) == 607
    assert np.diff(bandwidth.time_s) == pytest.approx(1, abs=0.011)
    assert 4e5 < bandwidth.bytes_per_s.min() < bandwidth.bytes_per_s.max() < 7.1e6
