"""What a bandwidth trace leaves of a deadline."""

import numpy as np
import pytest

from orchestrators.planners.sponge import communication_ms, remaining_ms
from profiler.common.errors import BadInputError

TIME_S, BYTES_PER_S = [1.0, 2.0, 3.0, 4.0], [100.0, 50.0, 0.0, 200.0]


def walked_ms(sent_s: float, size_bytes: float, time_s: list[float], bytes_per_s: list[float]) -> float:
    """Interval by interval, as a link would send it."""
    lap, left = 0, size_bytes
    while True:
        begin_s = lap * time_s[-1]
        for end, rate in zip(time_s, bytes_per_s, strict=True):
            end_s = lap * time_s[-1] + end
            open_s = max(0.0, end_s - max(begin_s, sent_s))
            if 0 < left <= rate * open_s:
                return (max(begin_s, sent_s) + left / rate - sent_s) * 1000
            left -= rate * open_s
            begin_s = end_s
        lap += 1


def test_a_request_arrives_when_all_its_bytes_have_been_transferred() -> None:
    # Half a second gives 50 bytes, the next 50, then nothing, then 20 at 200 bytes/s: at 3.1 s.
    assert communication_ms(0.5, 120, TIME_S, BYTES_PER_S) == pytest.approx(2600)


def test_within_one_interval_it_takes_its_size_over_the_bandwidth() -> None:
    assert communication_ms(1.0, 10, TIME_S, BYTES_PER_S) == pytest.approx(200)


def test_the_last_byte_before_an_outage_arrives_before_it() -> None:
    assert communication_ms(1.0, 50, TIME_S, BYTES_PER_S) == pytest.approx(1000)
    assert communication_ms(0, [100, 200], [1, 2], [100, 0]) == pytest.approx([1000, 3000])


def test_what_is_sent_in_an_outage_waits_for_its_end() -> None:
    assert communication_ms(2.25, 20, TIME_S, BYTES_PER_S) == pytest.approx(850)


def test_after_its_end_the_trace_starts_over() -> None:
    # 100 bytes until 4 s, and 50 of the next period's first 100/s; the same a period later.
    assert communication_ms([3.5, 7.5], 150, TIME_S, BYTES_PER_S) == pytest.approx([1000, 1000])
    # A whole period carries 350 bytes.
    assert communication_ms(0.5, 700 + 120, TIME_S, BYTES_PER_S) == pytest.approx(8000 + 2600)


def test_transfers_are_what_a_walk_over_the_intervals_finds() -> None:
    draw = np.random.default_rng(4)
    for _ in range(100):
        time_s = np.cumsum(draw.uniform(0.2, 2, 6)).tolist()
        bytes_per_s = (draw.integers(0, 4, 6) * 100.0).tolist()
        if not any(bytes_per_s):
            continue
        sent_s, size_bytes = draw.uniform(0, 30, 5), draw.uniform(1, 3000, 5)
        expected = [walked_ms(sent, size, time_s, bytes_per_s) for sent, size in zip(sent_s, size_bytes, strict=True)]
        assert communication_ms(sent_s, size_bytes, time_s, bytes_per_s) == pytest.approx(expected)


def test_what_remains_is_the_slo_less_the_communication() -> None:
    assert remaining_ms(1000, [1.0, 0.5], [10, 120], TIME_S, BYTES_PER_S) == pytest.approx([800, -1600])


@pytest.mark.parametrize(
    ("sent_s", "size_bytes", "time_s", "bytes_per_s", "message"),
    [
        (0, 1, [1, 2], [5], "2 times and 1 bandwidths"),
        (0, 1, [], [], "at least one"),
        (0, 1, [1, 1], [5, 5], "must rise from above 0"),
        (0, 1, [0, 1], [5, 5], "must rise from above 0"),
        (0, 1, [1, 2], [5, -1], "bandwidths of -1 to 5 bytes/s"),
        (0, 1, [1, 2], [0, 0], "bandwidths of 0 to 0 bytes/s"),
        (0, 0, [1], [5], "sizes from 0 bytes"),
        (-1, 1, [1], [5], "sent from -1 s on"),
    ],
)
def test_what_is_no_trace_or_no_request_is_refused(
    sent_s: float, size_bytes: float, time_s: list[float], bytes_per_s: list[float], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        communication_ms(sent_s, size_bytes, time_s, bytes_per_s)
