"""The model of a queue whose server joins requests, against cases that are computed by hand."""

import numpy as np
import pytest

from profiler.analysis.batching_queue import BatchingQueue
from profiler.common.batching import MAX_BATCH, Batching

# A batch of n takes 10 ms and 1 ms for each request.
QUEUE = BatchingQueue.of({1: 1 / 0.011, 4: 4 / 0.014}, instances=1)


def answered_ms(arrivals_ms: list[float], batching: Batching | None, queue: BatchingQueue = QUEUE) -> list[float]:
    """The moments of the answers."""
    arrivals_s = np.array(arrivals_ms) / 1e3
    found: list[float] = ((queue.latencies_s(arrivals_s, batching) + arrivals_s) * 1e3).tolist()
    return found


def batching(queue_delay_us: int, *preferred_batches: int) -> Batching:
    return Batching(queue_delay_us=queue_delay_us, preferred_batches=preferred_batches)


def test_times_between_and_beyond_the_measured_batches_are_linear() -> None:
    assert QUEUE.service_s[1:] == pytest.approx([0.010 + 0.001 * size for size in range(1, MAX_BATCH + 1)])
    twice = BatchingQueue.of({1: 1 / 0.011, 4: 4 / 0.014}, instances=2)
    assert twice.service_s[4] == pytest.approx(2 * QUEUE.service_s[4])


@pytest.mark.parametrize(
    ("arrivals_ms", "chosen", "expected_ms"),
    [
        # Without batching, one by one.
        ([0, 1, 2], None, [11, 22, 33]),
        # A free server takes what waits; three requests wait when it is free again, and no preferred batch fits.
        ([0, 1, 2, 3], batching(0, 4), [11, 24, 24, 24]),
        # Of the waiting ones it takes the largest preferred batch.
        ([0, 1, 2, 3, 4], batching(0, 2, 4), [11, 25, 25, 25, 25]),
        ([0, 1, 2, 3], batching(0, 2), [11, 23, 23, 34]),
        # A request waits for others until the delay is over.
        ([0], batching(5000, 2), [16]),
        ([0, 3, 4], batching(5000, 2), [15, 15, 26]),
        ([0, 3], batching(5000, 4), [17, 17]),
        # Where the delay has passed already, everything that waits is taken.
        ([0, 1, 2, 3, 4], batching(2000, 2), [13, 13, 26, 26, 26]),
    ],
)
def test_batches_are_formed_as_triton_documents(
    arrivals_ms: list[float], chosen: Batching | None, expected_ms: list[float]
) -> None:
    assert answered_ms(arrivals_ms, chosen) == pytest.approx(expected_ms)


def test_two_instances_answer_side_by_side() -> None:
    twice = BatchingQueue((0.0, 0.01, 0.012), instances=2)
    assert answered_ms([0, 1, 2], None, twice) == pytest.approx([10, 11, 20])


def test_no_batch_is_larger_than_the_server_takes() -> None:
    found = answered_ms([0.0, *[1.0] * (MAX_BATCH + 5)], batching(2000, 2))
    assert found == pytest.approx([13.0] * 2 + [13.0 + 10 + MAX_BATCH] * MAX_BATCH + [101.0] * 4)


def test_the_capacity_without_batching_is_that_of_a_queue_with_constant_times() -> None:
    """The share that waits longer than t in M/D/1 is about exp(−2 (1 − ρ) t μ / ρ) (Kingman 1962)."""
    rate = QUEUE.capacity_per_s(deadline_ms=50, quantile=0.99, batching=None)
    load, spare = rate * 0.011, (0.050 - 0.011) / 0.011
    assert np.exp(-2 * (1 - load) * spare / load) == pytest.approx(0.01, abs=0.01)


def test_batching_raises_the_capacity_where_a_batch_costs_little_more_and_not_where_it_costs_all() -> None:
    joined = batching(0, 8)
    assert QUEUE.capacity_per_s(50, 0.99, joined) > 3 * QUEUE.capacity_per_s(50, 0.99, None)
    linear = BatchingQueue.of({1: 100.0, 4: 100.0}, instances=1)
    assert linear.capacity_per_s(50, 0.99, joined) < 1.05 * linear.capacity_per_s(50, 0.99, None)


def test_a_delay_longer_than_the_room_below_the_deadline_costs_capacity() -> None:
    assert QUEUE.capacity_per_s(20, 0.99, batching(15000, 32)) < QUEUE.capacity_per_s(20, 0.99, batching(0, 32))
