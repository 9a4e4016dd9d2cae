"""Which slices of a measurement are disturbed, and what is recorded of them."""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence

import pytest

from profiler.load_generator.reference import Reference
from profiler.load_generator.speeds import Speeds
from profiler.target.disturbance import OTHERS_LIMIT, STRETCH_S, Others, Watch, own_seconds

NORMAL_PER_S = 1000.0


class Scripted(Others):
    """Other processes that use these shares of the cores, stretch by stretch; the last one stays."""

    def __init__(self, *shares: float | None) -> None:
        super().__init__([0], lambda: 0.0, frozenset())
        self._script = list(shares)

    def share(self) -> float | None:
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def seconds_since(self) -> float:
        return STRETCH_S

    def busiest(self) -> tuple[str, ...]:
        return ("stress (process 7, 0.90 cores)",)


def watch(others: Others, readings: Sequence[float] = (), seconds: float = 0.0, fewest: int = 3) -> Watch:
    reference = Reference("in process", lambda _: NORMAL_PER_S, Speeds([NORMAL_PER_S] * 5))
    found = Watch(reference, others, seconds, fewest)
    for one in readings:
        found.slice(one, 0.01)
    return found


def test_a_slice_beside_which_others_took_too_much_does_not_count() -> None:
    found = watch(Scripted(0.0, 2 * OTHERS_LIMIT, 0.0, 0.0), [NORMAL_PER_S] * 4).end()
    assert found.counting == [0, 2, 3]
    assert found.noise.thrown_share == 0.25
    assert not found.noise.disturbed
    assert found.noise.busiest == ("stress (process 7, 0.90 cores)",)


@pytest.mark.parametrize(("share", "counting"), [(0.08, [0, 1, 2, 3]), (0.12, [0, 2, 3])])
def test_others_may_take_a_tenth_of_the_cores(share: float, counting: list[int]) -> None:
    assert watch(Scripted(0.0, share, 0.0, 0.0), [NORMAL_PER_S] * 4).end().counting == counting


def test_a_slice_beside_which_the_reference_fell_off_does_not_count() -> None:
    found = watch(Scripted(None), [NORMAL_PER_S, 0.5 * NORMAL_PER_S, NORMAL_PER_S, NORMAL_PER_S]).end()
    assert found.counting == [0, 2, 3]


def test_a_point_with_too_few_good_slices_is_disturbed_and_teaches_nothing_of_the_machine() -> None:
    found = watch(Scripted(1.0), [NORMAL_PER_S] * 4)
    before = list(found.reference.speeds.readings_per_s)
    ended = found.end()
    assert ended.noise.disturbed
    assert found.reference.speeds.readings_per_s == before


def test_an_undisturbed_point_teaches_the_rate_of_the_reference() -> None:
    found = watch(Scripted(0.0), [990.0, 1000.0, 1010.0])
    assert not found.end().noise.disturbed
    assert found.reference.speeds.readings_per_s[-1] == 1000.0


def test_slices_are_measured_until_enough_of_them_are_good() -> None:
    found = watch(Scripted(0.0, 1.0, 0.0))
    taken = 0
    while found.going_on():
        found.slice(NORMAL_PER_S, 0.01)
        taken += 1
    assert taken == 4


def test_a_machine_that_stays_busy_is_not_waited_for_without_end() -> None:
    found, start = watch(Scripted(1.0), seconds=0.05), time.perf_counter()
    found.patience = 4.0
    while found.going_on():
        time.sleep(0.01)
        found.slice(NORMAL_PER_S, 0.01)
    assert 0.2 <= time.perf_counter() - start < 2.0


def spin() -> None:
    while True:
        pass


@pytest.fixture
def busy_process() -> Iterator[int]:
    """Another process that uses the core on which this one runs."""
    core = min(os.sched_getaffinity(0))
    process = multiprocessing.get_context("fork").Process(target=spin, daemon=True)
    process.start()
    assert process.pid is not None
    os.sched_setaffinity(process.pid, {core})
    yield process.pid
    process.kill()
    process.join()


@pytest.mark.quiet
def test_the_share_and_the_name_of_another_process_are_read_from_the_system(busy_process: int) -> None:
    core = min(os.sched_getaffinity(0))
    others = Others([core], own_seconds, frozenset({os.getpid()}))
    time.sleep(3 * STRETCH_S)
    share = others.share()
    assert share is not None
    assert share > 0.5
    assert any(f"process {busy_process}," in one for one in others.busiest())
