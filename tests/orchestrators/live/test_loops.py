"""What goes on once a second."""

import threading

import pytest

from orchestrators.live import loops
from orchestrators.live.loops import drive, going_on


def test_ticks_come_at_their_interval_and_those_that_a_long_one_covers_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loops, "INTERVAL_S", 0.2)
    stop, ticks = threading.Event(), []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 2:
            threading.Event().wait(0.7)
        if len(ticks) == 4:
            stop.set()

    drive(tick, stop)
    assert len(ticks) == 4


def test_loops_go_on_beside_each_other_until_the_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "INTERVAL_S", 0.02)
    counts = [0, 0]

    def counting(place: int) -> None:
        counts[place] += 1

    with going_on([lambda: counting(0), lambda: counting(1)]) as under_way:
        under_way.wait(0.5)
    ended = list(counts)
    threading.Event().wait(0.1)
    assert min(ended) > 2
    assert counts == ended


def test_the_error_of_a_loop_ends_the_waiting_and_stops_the_others() -> None:
    def failing() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), going_on([lambda: None, failing]) as under_way:
        under_way.wait()
